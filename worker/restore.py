"""Restore: make the registry hold what the record says, now and still a few seconds later.

A restore is told a tag, not what to do. It puts the recorded manifest at once, without looking first: the event came
before the tag was written, so a look would still show the old digest and the overwrite would land afterwards. Then it
looks again after 0.5, 2 and 10 seconds and puts again where it is wrong. Each of these is one step, and waiting for the
next occupies no worker.
"""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from typing import Self

from enforcer.agenda import Claim
from enforcer.errors import BlobsMissing, ManifestMissing, RegistryError
from enforcer.ledger.record import Record
from enforcer.names import TagName
from enforcer.registries.client import RegistryClient
from enforcer.registries.manifest import Manifest
from enforcer.violations import State, Violation
from worker.context import Context
from worker.patience import back_off, pause

logger = logging.getLogger(__name__)

LOOKS = (0.5, 2.0, 10.0)
"""Seconds after the first PUT at which the tag is looked at again."""

PATIENCE = 60
"""Seconds for which a registry may be away before people are told."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the restore of a tag is; times are seconds since 1970.

    `answered` counts the requests that were answered with a PUT, so one more means that the tag was changed again.
    """

    answered: int = 0
    started: float = 0
    put: float = 0
    puts: int = 0
    look: int = 0
    failures: int = 0
    failing_since: float = 0
    told: bool = False

    @classmethod
    def read(cls, notes: str) -> Self:
        """Read what stands on the agenda; nothing for a new item."""
        return cls(**json.loads(notes)) if notes else cls()

    def written(self) -> str:
        """The progress as it stands on the agenda."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Restore:
    """One step of restoring one tag."""

    context: Context
    claim: Claim
    name: TagName
    record: Record
    client: RegistryClient
    progress: Progress

    def step(self) -> None:
        """Put, or look and put where it is wrong; then say when to come again."""
        try:
            if self.claim.requests > self.progress.answered:
                self._answer()
            elif self._holds():
                self._held()
            else:
                self._put_again()
        except (BlobsMissing, ManifestMissing) as error:
            self._give_up(error)
        except RegistryError as error:
            self._fail(error)

    def _answer(self) -> None:
        """Somebody changed the tag: put at once, or a little later if two are fighting over it."""
        early = self.progress.put + back_off(self.claim.requests) - time.time()
        if early > 0:
            self._again(self.progress, early)
            return
        now = self._put()
        puts = self.progress.puts + 1
        self._again(Progress(answered=self.claim.requests, started=now, put=now, puts=puts), LOOKS[0])

    def _holds(self) -> bool:
        """Whether the registry holds the record. The last look reads the bytes: a HEAD proves little."""
        if self.progress.look < len(LOOKS) - 1:
            return self.client.head(self.name.repository, self.name.tag) == self.record.digest
        try:
            return self.client.get(self.name.repository, self.name.tag).digest == self.record.digest
        except ManifestMissing:
            return False

    def _held(self) -> None:
        """It held: say so the first time, and close after the last look."""
        progress = replace(self.progress, failures=0, failing_since=0, told=False)
        last = progress.look == len(LOOKS) - 1
        self._report(State.RESTORED if last else State.OPEN)
        if last:
            self.context.restores.done(self.claim.item)
        else:
            self._look_next(progress)

    def _put_again(self) -> None:
        """It did not hold: an overwrite landed after our PUT. After the last look, looking begins anew."""
        now = self._put()
        progress = replace(self.progress, put=now, puts=self.progress.puts + 1, failures=0, failing_since=0, told=False)
        if progress.look == len(LOOKS) - 1:
            self._again(replace(progress, started=now, look=0), LOOKS[0])
        else:
            self._look_next(progress)

    def _look_next(self, progress: Progress) -> None:
        due = progress.started + LOOKS[progress.look + 1]
        self._again(replace(progress, look=progress.look + 1), max(0, due - time.time()))

    def _put(self) -> float:
        """PUT the recorded manifest by its tag; returns when. Children that are gone are put back first."""
        manifest = self.context.manifest(self.name.registry, self.name.repository, self.record.digest)
        try:
            self.client.put(self.name.repository, self.name.tag, manifest)
        except BlobsMissing as error:
            if not set(error.digests) & set(manifest.children):
                raise
            self._put_children(manifest)
            self.client.put(self.name.repository, self.name.tag, manifest)
        return time.time()

    def _put_children(self, index: Manifest) -> None:
        for digest in index.children:
            child = self.context.ledger.kept(self.name.registry, self.name.repository, digest)
            if child is not None:
                self.client.put(self.name.repository, digest, child)

    def _again(self, progress: Progress, seconds: float) -> None:
        self.context.restores.again(self.claim.item, progress.written(), seconds)

    def _report(self, state: State) -> None:
        """Write what became of the violations of the tag, and tell people what they do not know yet."""
        for violation in self.context.violations.get_open(self.name):
            now = self._progressed(violation)
            if state is not State.OPEN:
                self.context.violations.update(now.closed_as(state, exposure=now.exposure))
            elif now != violation:
                self.context.violations.update(now)
            if now != violation:
                self.context.alerts.announce_violations([now])

    def _progressed(self, violation: Violation) -> Violation:
        exposure = max(0, round(self.progress.put * 1000 - violation.time.nanoseconds / 1_000_000))
        return replace(violation, exposure=exposure, restores=self.progress.puts, problem="")

    def _fail(self, error: RegistryError) -> None:
        """Try again later, without end; tell people at once if waiting will not help, else after a while."""
        now = time.time()
        progress = replace(
            self.progress,
            failures=self.progress.failures + 1,
            failing_since=self.progress.failing_since or now,
        )
        logger.warning("%s is not restored yet: %s", self.name, error)
        if not progress.told and (not error.temporary or now - progress.failing_since >= PATIENCE):
            self._tell(str(error))
            progress = replace(progress, told=True)
        self._again(progress, pause(progress.failures, retry_after=error.retry_after))

    def _tell(self, problem: str) -> None:
        for violation in self.context.violations.get_open(self.name):
            stuck = replace(violation, problem=problem, exposure=None)
            self.context.violations.update(stuck)
            self.context.alerts.announce_violations([stuck])

    def _give_up(self, error: BlobsMissing | ManifestMissing) -> None:
        """What the tag was made of is gone: only people can help. Each sweep tries again."""
        problem = str(error)
        if isinstance(error, BlobsMissing) and error.digests:
            problem = f"the registry has lost {', '.join(error.digests)}"
        for violation in self.context.violations.get_open(self.name):
            lost = replace(violation.closed_as(State.NOT_RESTORABLE), problem=problem)
            self.context.violations.update(lost)
            self.context.alerts.announce_violations([lost])
        self.context.restores.done(self.claim.item)


def restore(context: Context, claim: Claim) -> None:
    """Do one step for the tag that was claimed."""
    name = TagName.parse(claim.item)
    record = context.ledger.standing(name).record
    client = context.registries.get(name.registry)
    if record is None or client is None:
        logger.warning("%s is not restored: %s", name, "it has no record" if client else "its registry is gone")
        context.restores.done(claim.item)
        return
    Restore(context, claim, name, record, client, Progress.read(claim.notes)).step()
