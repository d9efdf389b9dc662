"""Baseline: record what is in the registry now, for every tag that has no record yet.

A record that is there is never replaced, unless forced: what differs is reported. A baseline that was stopped goes on
where it was: what was done in each repository is remembered until all of them are done.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from enforcer.errors import RegistryError
from enforcer.events import Event
from enforcer.names import RegistryName, Repository
from enforcer.store.audit import Audit
from enforcer.store.limits import SLICE
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import Claim
from enforcer.times import Time
from worker.backoff import pause
from worker.context import Context
from worker.scanning.grandfathering import Grandfathering
from worker.scanning.observation import Difference, judge_observed, observed_event
from worker.scanning.scan import SECOND_LOOK, Estimate, Observation, Scan, TagList, batches, scan_of

logger = logging.getLogger(__name__)

FORCED = "baseline --force"
"""The reason that history and audit give."""

REMEMBERED = 86400
"""Seconds for which a baseline that was stopped can go on."""


@dataclass(slots=True)
class Report:
    """What a baseline did: tags without a record were recorded, others differ, and were replaced if it was forced."""

    looked: int = 0
    recorded: int = 0
    differing: list[Difference] = field(default_factory=list)
    replaced: list[Difference] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Report) -> None:
        """Take what was done elsewhere."""
        self.looked += other.looked
        self.recorded += other.recorded
        self.differing += other.differing
        self.replaced += other.replaced
        self.problems += other.problems

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `asdict` gave."""
        differences = {name: [Difference(**each) for each in fields[name]] for name in ("differing", "replaced")}
        return cls(**fields | differences)


@dataclass(slots=True)
class SoFar:
    """What was done in one repository: all of it, or up to that tag."""

    report: Report = field(default_factory=Report)
    tag: str = ""
    is_whole: bool = False

    def to_json(self) -> str:
        """What is remembered."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(Report.from_dict(fields["report"]), fields["tag"], fields["is_whole"])


class Baseline:
    """A baseline of some repositories; `scope` is the name under which its progress is remembered.

    With `forced_by`, records that differ are replaced, and the audit says by whom; with `beginnings`, those that are
    behind what a policy found. It began at that time, if not now.
    """

    def __init__(
        self,
        context: Context,
        scan: Scan,
        repositories: Sequence[Repository],
        scope: str,
        *,
        forced_by: str = "",
        grandfathering: Grandfathering | None = None,
        began: Time | None = None,
    ) -> None:
        self._context = context
        self._scan = scan
        self._forced_by = forced_by
        self._beginnings = grandfathering
        self._began = began or Time.now()
        self._differing: list[Observation] = []
        self._redis: Any = context.redis
        self._key = f"te:baseline:{scope}"
        self.report = Report()
        self.finished = False
        self._so_far = self._remembered()
        whole = {repository for repository, so_far in self._so_far.items() if so_far.is_whole}
        self._repositories = [repository for repository in repositories if repository not in whole]
        self.estimate = Estimate(len(self._repositories))

    @property
    def resumed(self) -> int:
        """How many repositories were begun by a baseline that was stopped."""
        return len(self._so_far)

    def run(self, seconds: float = float("inf")) -> Iterator[int]:
        """Go on for so many seconds; yields how many tags were looked at since the last time.

        Raises `RegistryUnavailable`.
        """
        until = time.monotonic() + seconds
        for so_far in self._so_far.values():
            self.report.add(so_far.report)
        for listing in self._scan.listings(self._repositories):
            yield from self._record_repository(listing, until)
            if time.monotonic() > until:
                return
        self._redis.delete(self._key)
        self.finished = True

    def _record_repository(self, listing: TagList, until: float) -> Iterator[int]:
        so_far = self._so_far.get(listing.repository) or SoFar()
        listing = listing.after(so_far.tag)
        self.estimate.add(len(listing.tags))
        for observations in batches(self._scan.observations(listing)):
            seen = Report()
            news = [event for observation in observations if (event := self._sort(observation, seen)) is not None]
            news += self._begun(seen)
            judge_observed(self._context, self._scan, news)
            so_far.report.add(seen)
            self.report.add(seen)
            so_far.tag = observations[-1].name.tag
            self._remember(listing.repository, so_far)
            yield len(observations)
            if time.monotonic() > until:
                return
        if listing.problem:
            so_far.report.problems.append(listing.problem)
            self.report.problems.append(listing.problem)
        so_far.is_whole = True
        if self._beginnings is not None and not so_far.report.problems:
            self._beginnings.note(f"{self._scan.registry}/{listing.repository}", self._began)
        self._remember(listing.repository, so_far)

    def _sort(self, observation: Observation, report: Report) -> Event | None:
        """Count what was seen; the event that it is judged as, if any."""
        report.looked += 1
        if observation.problem:
            report.problems.append(observation.problem)
        elif observation.state.record is not None and observation.differs:
            return self._sort_differing(observation, report)
        elif observation.state.record is None and observation.found is not None:
            report.recorded += 1
            return observed_event(observation, "baseline")
        return None

    def _sort_differing(self, observation: Observation, report: Report) -> Event | None:
        if self._beginnings is not None and self._beginnings.before(observation) is not None:
            self._differing.append(observation)
            return None
        if self._forced_by and observation.found is not None:
            self._note_forced(observation)  # first, as with every approval
            report.replaced.append(Difference.of(observation))
            return observed_event(observation, "baseline", adopted=FORCED)
        report.differing.append(Difference.of(observation))
        return None

    def _note_forced(self, observation: Observation) -> None:
        assert observation.state.record is not None
        place = {
            "registry": observation.name.registry,
            "repository": observation.name.repository,
            "tag": observation.name.tag,
        }
        before, after = place | {"digest": observation.state.record.digest}, place | {"digest": observation.found}
        Audit(self._context.redis).add("approved", self._forced_by, reason=FORCED, before=before, after=after)

    def _begun(self, report: Report) -> list[Event]:
        """What tags were when a policy began to protect them, unless the event of a push was on its way."""
        suspects, self._differing = self._differing, []
        if not suspects or self._beginnings is None:
            return []
        time.sleep(SECOND_LOOK)
        states = self._context.ledger.states(observation.name for observation in suspects)
        events: list[Event] = []
        for observation in self._scan.look_at(states.items()):
            before = self._beginnings.before(observation) if observation.differs and not observation.problem else None
            if before is not None:
                report.replaced.append(Difference.of(observation))
                events.append(observed_event(observation, "baseline", time=before))
        return events

    def _remembered(self) -> dict[Repository, SoFar]:
        begun = self._redis.hgetall(self._key)
        return {Repository(repository.decode()): SoFar.from_json(text) for repository, text in begun.items()}

    def _remember(self, repository: Repository, so_far: SoFar) -> None:
        with self._redis.pipeline() as pipe:
            pipe.hset(self._key, repository, so_far.to_json())
            pipe.expire(self._key, REMEMBERED)
            pipe.execute()


def baseline(context: Context, claim: Claim) -> None:
    """Do one slice of the baseline of a namespace, `registry/namespace`, in which a policy begins to protect."""
    registry, _, namespace = claim.key.partition("/")
    name = RegistryName(registry)
    if name not in context.registries:
        context.baselines.done(claim)
        return
    began = Time(claim.checkpoint) if claim.checkpoint else Time.now()
    try:
        with scan_of(context, name) as scan:
            finished = _slice(context, scan, claim.key, namespace, began)
    except RegistryError as error:
        logger.warning("the baseline of %s is put off: %s", claim.key, error)
        context.baselines.again(claim, began, pause(4, retry_after=error.retry_after))
        return
    if not finished:
        context.baselines.again(claim, began, 0)
        return
    context.sweeps.add([(claim.key, "")])  # originals that were recorded before the policy are kept by a sweep
    context.queues.wake(Task.SWEEP)
    context.baselines.done(claim, anew=True)


def _slice(context: Context, scan: Scan, item: str, namespace: str, began: Time) -> bool:
    repositories, problem = scan.repositories()
    wanted = [repository for repository in repositories if repository.namespace == namespace]
    whole = Baseline(context, scan, wanted, f"policy:{item}", grandfathering=Grandfathering(context), began=began)
    for _ in whole.run(SLICE):
        pass
    for each in filter(None, (problem, *whole.report.problems)):
        logger.warning("baseline of %s: %s", item, each)
    if whole.finished:
        logger.info("baseline of %s: %d tags recorded", item, whole.report.recorded + len(whole.report.replaced))
    return whole.finished
