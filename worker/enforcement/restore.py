"""Restore: make the registry hold what the record says, now and still a few seconds later.

A restore is told a tag, not what to do. It puts the recorded manifest at once, without looking first: the event came
before the tag was written, so a look would still show the old digest and the overwrite would land afterwards. Then it
looks again after 0.5, 2 and 10 seconds and puts again where it is wrong. Each of these is one step, and waiting for the
next occupies no worker.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from enforcer.errors import BlobsMissing, ManifestMissing, RegistryError
from enforcer.judgement.record import Record
from enforcer.manifests import Manifest
from enforcer.names import Digest, Tag, TagName
from enforcer.registries.client import RegistryClient
from enforcer.store.workqueue import Claim, ClaimLost
from worker.backoff import back_off, pause
from worker.context import Context
from worker.enforcement.progress import Progress
from worker.enforcement.put_back import put_back_below
from worker.enforcement.resolution import (
    close_held,
    report_failing,
    report_held,
    report_in_place,
    report_lost,
    report_released,
)

logger = logging.getLogger(__name__)

LOOKS = (0.5, 2.0, 10.0)
"""Seconds after the first PUT at which the tag is looked at again."""

PATIENCE = 60
"""Seconds for which a registry may be away before people are told."""

LONG_AGO = 60
"""Seconds after which no overwrite that was announced can still be on its way to the registry's store."""

EXPECTANCY = 10
"""Seconds for which a digest that was approved beforehand may be in place before its event comes."""

FIGHT = 5
"""Seconds by which a PUT is put off before people are told that somebody overwrites the tag again and again."""


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
            if self.claim.generation > self.progress.answered:
                self._answer()
            elif (found := self._found()) == self.record.digest:
                self._held()
            elif found is not None and found == self.record.approved and self._may_be_announced():
                self._await_event()
            else:
                self._put_again()
        except (BlobsMissing, ManifestMissing) as error:
            self._give_up(error)
        except RegistryError as error:
            self._fail(error)

    def _answer(self) -> None:
        """Somebody changed the tag: put at once, or a little later if two are fighting over it."""
        early = self.progress.put + back_off(self.claim.generation) - self._now()
        if early > 0:
            self._wait(early)
        elif not self._is_in_place():
            self._put_at_once()

    def _is_in_place(self) -> bool:
        """What happened long ago has been written by now, so this once a look comes first; and may be all."""
        violations = self.context.violations.get_open(self.name)
        latest = max((violation.time for violation in violations), default=self.context.timing.now())
        if self.progress.puts or self.record.children or self.context.timing.now().since(latest) < LONG_AGO:
            return False  # of an index a look shows nothing that one of its children lacks
        if self.client.head(self.name.repository, self.name.tag) != self.record.digest:
            return False
        if self.context.violations.get_open(self.name) != violations:  # one was opened just now
            return False
        report_in_place(self.context, violations)
        self.context.restores.done(self.claim)
        return True

    def _put_at_once(self) -> None:
        now = self._put()
        close_held(self.context, self.name)
        progress = replace(self.progress.after_put(now), answered=self.claim.generation, started=now, look=0)
        self._again(progress, LOOKS[0])

    def _wait(self, seconds: float) -> None:
        """Somebody fights over the tag: people are told once, since nobody looks whether it is back meanwhile."""
        close_held(self.context, self.name)
        is_news = seconds >= FIGHT and not self.progress.fought
        if is_news:
            times = self.claim.generation
            report_failing(
                self.context, self.name, f"changed {times} times in a row, put back in {seconds:.0f} seconds"
            )
        self._again(replace(self.progress, fought=self.progress.fought or is_news), seconds)

    def _found(self) -> Digest | None:
        """What the registry holds. The last look reads the bytes: a HEAD proves little."""
        if self.progress.look < len(LOOKS) - 1:
            return self.client.head(self.name.repository, self.name.tag)
        try:
            return self.client.get(self.name.repository, self.name.tag).digest
        except ManifestMissing:
            return None

    def _may_be_announced(self) -> bool:
        """Whether the event of a push that was approved beforehand may still come."""
        since = self.progress.approved_since
        return not since or self._now() - since < EXPECTANCY

    def _await_event(self) -> None:
        """Once its event is judged this digest is the record: a PUT now would overwrite what somebody may push."""
        since = self.progress.approved_since or self._now()
        self._again(replace(self.progress, approved_since=since), LOOKS[0])

    def _held(self) -> None:
        """It held: say so the first time, and close after the last look. Unless somebody changed the tag meanwhile."""
        last = self.progress.look == len(LOOKS) - 1
        violations = self.context.violations.get_open(self.name)
        # Read after them: a violation is asked for before it is opened, so these were answered if nobody asks now.
        if self.context.restores.generation(self.claim.key) > self.claim.generation:
            self._again(self.progress, 0)
            return
        report_held(self.context, violations, put=self.progress.put, puts=self.progress.puts, last=last)
        if last:
            self.context.restores.done(self.claim)
        else:
            self._look_next(replace(self.progress, failures=0, failing_since=0))

    def _put_again(self) -> None:
        """It did not hold: an overwrite landed after our PUT. After the last look, looking begins anew."""
        now = self._put()
        progress = self.progress.after_put(now)
        if progress.look == len(LOOKS) - 1:
            self._again(replace(progress, started=now, look=0), LOOKS[0])
        else:
            self._look_next(progress)

    def _look_next(self, progress: Progress) -> None:
        due = progress.started + LOOKS[progress.look + 1]
        self._again(replace(progress, look=progress.look + 1), max(0, due - self._now()))

    def _put(self) -> float:
        """PUT the recorded manifest by its tag; returns when."""
        name = self.name
        if self.record.deleted and self.record.children:
            put_back_below(self.context, self.client, name.registry, name.repository, self.record.digest, self._renew)
        self._put_whole(name.tag, self.context.manifest(name.registry, name.repository, self.record.digest))
        return self._now()

    def _now(self) -> float:
        """Seconds since 1970."""
        return self.context.timing.now().nanoseconds / 10**9

    def _put_whole(self, reference: Tag | Digest, manifest: Manifest) -> None:
        """PUT a manifest. What an index lists and the registry has lost is put back first, as far as it is kept."""
        try:
            self.client.put(self.name.repository, reference, manifest)
        except BlobsMissing:
            if not manifest.children:
                raise
            for digest in manifest.children:
                self._renew()  # an index may list more children than a lease has seconds
                child = self.context.kept(self.name.registry, self.name.repository, digest)
                if child is not None:
                    self._put_whole(digest, child)
            self.client.put(self.name.repository, reference, manifest)
        for digest in manifest.inner_indexes:  # a registry asks only for what an index lists itself, not below that
            inner = self.context.kept(self.name.registry, self.name.repository, digest)
            if inner is not None:
                self._put_whole(digest, inner)

    def _renew(self) -> None:
        if not self.context.restores.renew(self.claim):
            raise ClaimLost(f"{self.name} was not restored within the lease")

    def _again(self, progress: Progress, seconds: float) -> None:
        self.context.restores.again(self.claim, progress.written(), seconds)

    def _fail(self, error: RegistryError) -> None:
        """Try again later, without end; tell people at once if waiting will not help, else after a while."""
        now = self._now()
        progress = self.progress.after_failure(now)
        logger.warning("%s is not restored yet: %s", self.name, error)
        if not error.temporary or now - progress.failing_since >= PATIENCE:
            report_failing(self.context, self.name, str(error))
        self._again(progress, pause(progress.failures, retry_after=error.retry_after))

    def _give_up(self, error: BlobsMissing | ManifestMissing) -> None:
        """What the tag was made of is gone: only people can help. Each sweep tries again."""
        problem = str(error)
        if isinstance(error, BlobsMissing) and error.digests:
            problem = f"the registry has lost {', '.join(error.digests)}"
        told = report_lost(self.context, self.name, problem)
        if told or self.progress.failures:
            self.context.restores.done(self.claim)
        else:  # the violation is opened just now
            self._again(self.progress.after_failure(self._now()), pause(1))


def restore(context: Context, claim: Claim) -> None:
    """Do one step for the tag that was claimed, if it must still be what its record says."""
    name = TagName.parse(claim.key)
    record = context.ledger.state(name).record
    client = context.registries.get(name.registry)
    protection = context.policies.current().protection(*name.parts, context.timing.now())
    if record is None or client is None or protection is None or not protection.enforce:
        report_released(context, name)
        context.restores.done(claim)
        return
    Restore(context, claim, name, record, client, Progress.read(claim.checkpoint)).step()
