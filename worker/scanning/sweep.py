"""Sweep: compare registry and ledger, tag by tag, and have put right what differs.

Events have holes, so this is part of the promise and no extra: whatever no event told is found here. It looks at every
namespace that has a policy. In it, a protected tag that is not what its record says is a violation, one without a
record is recorded, and the record of an unprotected tag follows the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from enforcer.events import Event
from enforcer.judgement.record import Record, TagState
from enforcer.names import RegistryName, Repository, TagName
from enforcer.policies.policy import Protection
from enforcer.store.ledger import Ledger
from enforcer.store.policies import PolicyStore
from enforcer.store.violations import Violations
from enforcer.store.workqueue import Claim
from enforcer.times import Time
from worker.context import Context
from worker.judging.credentials import learn
from worker.judging.enforcement_requests import EnforcementRequests
from worker.scanning.backfill import Backfill
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.children import Children, ChildrenTimes
from worker.scanning.grandfathering import Grandfathering
from worker.scanning.lost_children import LostChildren
from worker.scanning.observation import Difference, Observation
from worker.scanning.observation_judge import ObservationJudge
from worker.scanning.pullable import Pullability
from worker.scanning.report import Report, remember
from worker.scanning.scan import Scan, TagList, scan_of
from worker.scanning.scan_times import ScanTimes
from worker.scanning.sweep_lock import sweep_lock
from worker.scanning.turn import take_turn
from worker.scanning.walk import Walk


class Sweep:
    """Compares the tags of a walk with the ledger; `check` raises if another sweep has begun meanwhile, `release`
    removes what is kept of a repository and not needed.

    With `report_only` it changes nothing. With `children` it also looks for all manifests below indexes, and with
    `deep` for all that the tags consist of. With `since` it looks only at tags that were recorded from then on, or have
    no record.
    """

    def __init__(
        self,
        report: Report,
        scan: Scan,
        judge: ObservationJudge,
        requests: EnforcementRequests,
        ledger: Ledger,
        policies: PolicyStore,
        violations: Violations,
        scan_times: ScanTimes,
        *,
        check: Callable[[], None],
        release: Callable[[RegistryName, Repository], None],
        report_only: bool = False,
        children: bool = False,
        deep: bool = False,
        since: Time | None = None,
    ) -> None:
        self._report = report
        self._scan = scan
        self._judge = judge
        self._requests = requests
        self._ledger = ledger
        self._store = policies
        self._policies = policies.current()
        self._violations = violations
        self._scan_times = scan_times
        self._check = check
        self._release = release
        self._report_only = report_only
        self._backfill = None if report_only else Backfill(scan, ledger, judge, requests)
        self._lost_children = (
            LostChildren(report, Children(scan, judge.kept), judge, requests, ledger, violations, report_only)
            if children
            else None
        )
        self._pullability = Pullability(scan) if deep else None
        self._since = since

    def covers(self, repository: Repository) -> bool:
        """A policy is in force in the namespace."""
        policies = self._policies.of_namespace(self._scan.registry, repository.namespace)
        return any(not policy.disabled for policy in policies)

    def choose(self, tags: TagList) -> TagList:
        """Choose the tags that are asked for; the policies of now hold for them."""
        self._policies = self._store.current()
        return tags.only(self._is_asked)

    def _is_asked(self, state: TagState) -> bool:
        return self._since is None or state.record is None or state.record.time >= self._since

    def take(self, observations: Sequence[Observation]) -> list[Observation]:
        """Backfill tags that are in place; those that differ get a second look."""
        self._check()
        suspects = [observation for observation in observations if observation.differs or _is_back(observation)]
        in_place = [
            observation
            for observation in observations
            if observation.found is not None and not observation.differs and not _is_back(observation)
            if self._protection(observation.name) is not None
        ]
        if self._backfill:
            self._backfill.take(in_place, self._report.note_problem)
        if self._lost_children:
            self._lost_children.take(in_place, self._protection)
        if self._pullability:
            for broken, problem in self._scan.side_by_side(self._pullability.check, in_place):
                self._report.note_broken(broken)
                self._report.note_problem(problem)
        return suspects

    def confirm(self, observations: Sequence[Observation]) -> None:
        """Count what still differs, and have it judged; or put right at once, if it was judged before."""
        self._check()
        grandfathering = Grandfathering(self._ledger, self._policies, self._scan_times)
        events = [event for each in observations if (event := self._event(each, grandfathering)) is not None]
        if not self._report_only:
            self._judge.judge(events)

    def finish(self, place: str, began: Time) -> None:
        """From now on no difference in the repository is older than its protection."""
        if not self._report_only and self._since is None:
            self._scan_times.note(place, began)
            self._release(self._scan.registry, Repository(place.removeprefix(f"{self._scan.registry}/")))

    def _event(self, observation: Observation, grandfathering: Grandfathering) -> Event | None:
        record, protection = observation.state.record, self._protection(observation.name)
        if not observation.differs:
            return self._judge.event(observation) if _is_back(observation) else None
        if record is None:
            self._report.recorded += 1
            return self._judge.event(observation)
        since = grandfathering.grandfathered_since(observation) if protection else None
        if protection is None or since is not None or not _is_guarded(observation, protection):
            self._report.followed += 1
            if since is not None and observation.found is not None and not self._report_only:
                self._requests.keep_if_missing(observation.name, observation.found)
            return self._judge.event(observation, time=since)
        self._report.note_drift(Difference.of(observation))
        return self._drift(observation, record, protection)

    def _drift(self, observation: Observation, record: Record, protection: Protection) -> Event | None:
        """Drift as an event; none if it was judged before: then it is put right, or still only observed."""
        if observation.found is None and record.deleted:
            is_known = True
        elif protection.enforce:
            is_known = bool(self._violations.get_open(observation.name))
        else:
            last = self._ledger.history(observation.name)[-1:]
            is_known = any(each.decision.is_violation and each.event.digest == observation.found for each in last)
        if not is_known:
            return self._judge.event(observation)
        if protection.enforce and not self._report_only:
            self._requests.restore([observation.name])
        return None

    def _protection(self, name: TagName) -> Protection | None:
        return self._policies.protection(*name.parts, self._scan.timing.now())


def _is_guarded(observation: Observation, protection: Protection) -> bool:
    """The tag is protected against what happened to it."""
    return protection.delete if observation.found is None else protection.overwrite


def _is_back(observation: Observation) -> bool:
    """A tag is in place whose record says that it was deleted: no event said that it was put back."""
    record = observation.state.record
    return record is not None and record.deleted and observation.found == record.digest


def sweep_walk(
    context: Context,
    scan: Scan,
    repositories: Sequence[Repository],
    checkpoint: Checkpoint,
    check: Callable[[], None],
    *,
    report_only: bool = False,
    children: bool = False,
    deep: bool = False,
    since: Time | None = None,
) -> Walk:
    """A walk that sweeps those of the repositories that a policy covers."""
    visitor = Sweep(
        checkpoint.report,
        scan,
        ObservationJudge.of(context, scan, "sweep"),
        EnforcementRequests.of(context),
        context.ledger,
        context.policies,
        context.violations,
        ScanTimes(context.redis),
        check=check,
        release=context.release,
        report_only=report_only,
        children=children,
        deep=deep,
        since=since,
    )
    covered = [repository for repository in repositories if visitor.covers(repository)]
    return Walk(scan, covered, checkpoint, visitor)


def sweep(context: Context, claim: Claim) -> None:
    """Take a turn of the sweep of `registry`, or of `registry/namespace`."""

    @contextmanager
    def start(registry: RegistryName, namespace: str, checkpoint: Checkpoint) -> Iterator[Walk]:
        if not claim.checkpoint:
            learn(context, registry)
        with sweep_lock(context.redis, registry) as check, scan_of(context, registry) as scan:
            children = ChildrenTimes(context.redis).is_due(claim.key, checkpoint.began)
            repositories = scan.repositories_of(namespace)
            yield sweep_walk(context, scan, repositories, checkpoint, check, children=children)

    def finish(report: Report) -> None:
        remember(context.redis, claim.key, report, context.timing.now())

    take_turn(context.sweeps, claim, context.registries, start, finish, context.timing)
