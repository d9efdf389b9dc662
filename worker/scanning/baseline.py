"""Baseline: record what is in the registry now, for every tag that has no record yet.

A record that is there is never replaced, unless forced: what differs is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from enforcer.events import Event
from enforcer.names import RegistryName, Repository
from enforcer.store.audit import Audit
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import Claim
from enforcer.times import Time
from worker.context import Context
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.grandfathering import Grandfathering
from worker.scanning.observation import Difference, Observation
from worker.scanning.observation_judge import ObservationJudge
from worker.scanning.report import Report
from worker.scanning.scan import Scan, TagList, scan_of
from worker.scanning.scan_times import ScanTimes
from worker.scanning.turn import take_turn
from worker.scanning.walk import Walk

FORCED = "baseline --force"
"""The reason that history and audit give."""


class Baseline:
    """Records the tags of a walk.

    With `forced_by`, records that differ are replaced, and the audit says by whom. With `grandfathering`, those are
    replaced that are behind what a policy found when it began to protect them. With `scan_times` it is noted there.
    """

    def __init__(
        self,
        report: Report,
        judge: ObservationJudge,
        audit: Audit,
        *,
        forced_by: str = "",
        grandfathering: Grandfathering | None = None,
        scan_times: ScanTimes | None = None,
    ) -> None:
        self._report = report
        self._judge = judge
        self._audit = audit
        self._forced_by = forced_by
        self._grandfathering = grandfathering
        self._scan_times = scan_times

    def choose(self, tags: TagList) -> TagList:
        """Choose all tags."""
        return tags

    def take(self, observations: Sequence[Observation]) -> list[Observation]:
        """Record tags without a record; grandfathered ones get a second look."""
        events: list[Event] = []
        suspects: list[Observation] = []
        for observation in observations:
            if not observation.differs:
                continue
            if observation.state.record is None:
                self._report.recorded += 1
                events.append(self._judge.event(observation))
            elif self._grandfathered_since(observation) is not None:
                suspects.append(observation)
            elif self._forced_by and observation.found is not None:
                events.append(self._force(observation))
            else:
                self._report.note_drift(Difference.of(observation))
        self._judge.judge(events)
        return suspects

    def confirm(self, observations: Sequence[Observation]) -> None:
        """Record grandfathered tags as they stand, unless the event of a push was on its way."""
        events: list[Event] = []
        for observation in observations:
            since = self._grandfathered_since(observation) if observation.differs else None
            if since is not None:
                self._report.note_replaced(Difference.of(observation))
                events.append(self._judge.event(observation, time=since))
        self._judge.judge(events)

    def finish(self, place: str, began: Time) -> None:
        """From now on no difference in the repository is older than its protection."""
        if self._scan_times is not None:
            self._scan_times.note(place, began)

    def _grandfathered_since(self, observation: Observation) -> Time | None:
        return self._grandfathering.grandfathered_since(observation) if self._grandfathering else None

    def _force(self, observation: Observation) -> Event:
        difference = Difference.of(observation)
        name = observation.name
        place = {"registry": name.registry, "repository": name.repository, "tag": name.tag}
        before, after = place | {"digest": difference.recorded}, place | {"digest": difference.found}
        # Into the audit first, as with every approval: a crash in between leaves too much there, never too little.
        self._audit.add("approved", self._forced_by, reason=FORCED, before=before, after=after)
        self._report.note_replaced(difference)
        return self._judge.event(observation, adopted=FORCED)


def baseline_walk(context: Context, scan: Scan, repositories: Sequence[Repository], checkpoint: Checkpoint) -> Walk:
    """A walk that records tags as they stand where a policy begins to protect them."""
    scan_times = ScanTimes(context.redis)
    visitor = Baseline(
        checkpoint.report,
        ObservationJudge.of(context, scan, "baseline"),
        context.stores.audit,
        grandfathering=Grandfathering(context.ledger, context.policies.current(), scan_times),
        scan_times=scan_times,
    )
    return Walk(scan, repositories, checkpoint, visitor)


def baseline(context: Context, claim: Claim) -> None:
    """Take a turn of the baseline of a namespace, `registry/namespace`, in which a policy begins to protect."""

    @contextmanager
    def start(registry: RegistryName, namespace: str, checkpoint: Checkpoint) -> Iterator[Walk]:
        with scan_of(context, registry) as scan:
            yield baseline_walk(context, scan, scan.repositories_of(namespace), checkpoint)

    def finish(_: Report) -> None:
        context.sweeps.add([(claim.key, "")])  # it keeps originals that were recorded before the policy
        context.queues.wake(Task.SWEEP)

    take_turn(context.baselines, claim, context.registries, start, finish, context.timing)
