"""Restore: make the registry hold what the record says, now and still a few seconds later.

A restore is told a tag, not what to do. It puts the recorded manifest at once, without looking first: the event came
before the tag was written, so a look would still show the old digest and the overwrite would land afterwards. Then it
looks again, several times within ten seconds, puts again where the tag is wrong, and begins to look anew. Whoever
changes the tag once more is answered as soon as the last request has returned, however often that happens: waiting
would help nobody else. Each PUT and each look is one step, and waiting for the next occupies no worker.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from enforcer.errors import BlobsMissing, ManifestMissing, RegistryError
from enforcer.judgement.record import Record
from enforcer.names import Digest, TagName
from enforcer.registries.client import RegistryClient
from enforcer.store.workqueue import Claim, ClaimLost
from worker.backoff import pause
from worker.context import Context
from worker.enforcement.fights import FightReport
from worker.enforcement.progress import Progress
from worker.enforcement.put_back import put_back_below
from worker.enforcement.resolution import (
    close_answered,
    report_failing,
    report_held,
    report_in_place,
    report_lost,
    report_released,
)
from worker.enforcement.whole_put import put_whole

logger = logging.getLogger(__name__)

LOOKS = (0.05, 0.5, 2.0, 4.0, 6.0, 8.0, 10.0)
"""Seconds after the last PUT at which the tag is looked at again."""

LONG_AGO = 60
"""Seconds after which no overwrite that was announced can still be on its way to the registry's store."""

EXPECTANCY = 10
"""Seconds for which a digest that was approved beforehand may be in place before its event comes."""

PATIENCE = 60
"""Seconds for which one tag may fail before people are told."""

SOON_AGAIN = 5
"""Seconds between two tries of a tag that its registry does not take now, at most."""

RIVAL_PAUSE = 1
"""Seconds between two answers to another Tag Enforcer, which would answer each of them for ever."""


@dataclass(frozen=True, slots=True)
class Restore:
    """One step of restoring one tag. Each returns the claim if it goes on at once, since the tag was changed again."""

    context: Context
    claim: Claim
    name: TagName
    record: Record
    client: RegistryClient
    progress: Progress
    fight: FightReport

    def step(self) -> Claim | None:
        """Put, or look and put where it is wrong; then say when to come again."""
        try:
            after = self._answer() if self.claim.generation > self.progress.answered else self._look()
        except (BlobsMissing, ManifestMissing) as error:
            after = self._give_up(error)
        except RegistryError as error:
            self._fail(error)
            return None
        self.context.breakers.answered(self.name.registry)
        return after

    def _answer(self) -> Claim | None:
        """Somebody changed the tag: put at once."""
        if (early := self._seconds_too_early()) > 0:
            return self._again(self.progress, early)
        if self._is_in_place():
            return self._again(self.progress, None)
        generation = self.claim.generation  # what is asked for during the PUT is answered with one of its own
        self._put()
        now = self.fight.put(self.name)
        close_answered(self.context, self.name, self.progress)
        return self._again(self.progress.after_answer(generation, now), LOOKS[0])

    def _seconds_too_early(self) -> float:
        """Another Tag Enforcer with another record is not answered at once each time."""
        if not self.progress.puts or not self.fight.is_with_rival(self.name):
            return 0
        return self.progress.put + RIVAL_PAUSE - self._now()

    def _is_in_place(self) -> bool:
        """What arrived long ago has been written by now, so this once a look comes first; and may be all."""
        # Not where the claim alone is old: whoever had it and died may have put, and then the tag was not in place.
        if not self.progress.look_first or self.progress.puts:
            return False
        violations = self.context.violations.get_open(self.name)
        if self.record.children or not violations:
            return False  # of an index a look shows nothing that one of its children lacks
        if self._now() - max(violation.arrived_at for violation in violations) < LONG_AGO:
            return False
        if self.client.head(self.name.repository, self.name.tag) != self.record.digest:
            return False
        if self.context.violations.get_open(self.name) != violations:  # one was opened just now
            return False
        report_in_place(self.context, violations)
        self.fight.drop(self.name)
        return True

    def _look(self) -> Claim | None:
        found = self._found()
        if found == self.record.digest:
            return self._held()
        if found is not None and found == self.record.approved and self._may_be_announced():
            return self._await_event()
        looked = self.fight.seen_wrong(self.name)
        self._put()
        return self._again(self.progress.after_wrong_look(looked, self.fight.put(self.name)), LOOKS[0])

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

    def _await_event(self) -> Claim | None:
        """Once its event is judged this digest is the record: a PUT now would overwrite what somebody may push."""
        since = self.progress.approved_since or self._now()
        return self._again(replace(self.progress, approved_since=since), LOOKS[1])

    def _held(self) -> Claim | None:
        """It held: say so the first time, and close after the last look. Unless somebody changed the tag meanwhile."""
        last = self.progress.look == len(LOOKS) - 1
        violations = self.context.violations.get_open(self.name)
        # Read after them: a violation is asked for before it is opened, so these were answered if nobody asks now.
        if self.context.restores.generation(self.claim.key) > self.claim.generation:
            return self._again(self.progress, 0)
        now = self.fight.seen_right(self.name)
        report_held(self.context, violations, self.progress, last=last)
        after = self.progress.after_right_look(now)
        if not last:
            return self._again(after, LOOKS[after.look] - LOOKS[after.look - 1])
        self.fight.over(self.name, self.record.digest)
        return self._again(after, None)

    def _put(self) -> None:
        """PUT the recorded manifest by its tag."""
        name = self.name
        if self.record.deleted and self.record.children:
            put_back_below(self.context, self.client, name.registry, name.repository, self.record.digest, self._renew)
        put_whole(self.context, name, self.context.manifest(name.registry, name.repository, self.record.digest))

    def _now(self) -> float:
        return self.context.stores.fights.now() / 1000

    def _renew(self) -> None:
        if not self.context.restores.renew(self.claim):
            raise ClaimLost(f"{self.name} was not restored within the lease")

    def _again(self, progress: Progress, seconds: float | None) -> Claim | None:
        return self.context.restores.put_off(self.claim, progress.written(), seconds)

    def _fail(self, error: RegistryError) -> None:
        """Try again later, without end; tell people at once if waiting will not help, else after a while."""
        now = self._now()
        progress = self.progress.after_failure(now)
        logger.warning("%s is not restored yet: %s", self.name, error)
        registry = self.name.registry
        if self.context.breakers.failed(registry, self.name.repository, error, round(now * 1000)):
            seconds = 0.0  # its queue waits for it
        elif error.temporary:
            seconds = max(min(progress.failures - 1, SOON_AGAIN), min(error.retry_after or 0, SOON_AGAIN))
        else:
            self.context.breakers.answered(registry)
            seconds = pause(progress.failures)
        if not error.temporary or (seconds and now - progress.failing_since >= PATIENCE):
            report_failing(self.context, self.name, str(error))
        self.context.restores.again(self.claim, progress.written(), seconds)

    def _give_up(self, error: BlobsMissing | ManifestMissing) -> Claim | None:
        """What the tag was made of is gone: only people can help. Each sweep tries again."""
        problem = str(error)
        if isinstance(error, BlobsMissing) and error.digests:
            problem = f"the registry has lost {', '.join(error.digests)}"
        told = report_lost(self.context, self.name, problem)
        if told or self.progress.failures:
            self.fight.drop(self.name)
            return self._again(self.progress, None)
        # The violation is opened just now.
        return self._again(self.progress.after_failure(self._now()), pause(1))


def restore(context: Context, claim: Claim) -> Claim | None:
    """Do one step for the tag that was claimed, if it must still be what its record says.

    Returns the claim if it is to go on at once. Raises `ClaimLost`.
    """
    name = TagName.parse(claim.key)
    record = context.ledger.state(name).record
    protection = context.policies.current().protection(*name.parts, context.timing.now())
    fight = FightReport.of(context)
    progress = Progress.read(claim.checkpoint)
    if record is None or protection is None or not protection.enforce:
        report_released(context, name)
        fight.drop(name)
        first = claim.generation > progress.released  # its violation may be opened just now, whatever else was open
        after = replace(progress, released=claim.generation)
        return context.restores.put_off(claim, after.written(), 1 if first else None)
    client = context.registries[name.registry]
    return Restore(context, claim, name, record, client, progress, fight).step()
