"""Sweep: compare registry and ledger, tag by tag, and have put right what differs.

Events have holes, so this is part of the promise and no extra: whatever nobody told us is found here. It looks at every
namespace that has a policy. In it, a protected tag that is not what its record says is a violation, one without a
record is recorded, and the record of an unprotected tag follows the registry.

A tag that differs is looked at once more after a while: a push whose event is on its way is no drift.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from enforcer.errors import RegistryError
from enforcer.events import Event
from enforcer.judgement.record import Record, TagState
from enforcer.names import RegistryName, Repository, TagName
from enforcer.policies.policy import Protection
from enforcer.store.limits import SLICE
from enforcer.store.workqueue import Claim
from enforcer.times import Time
from worker.backoff import pause
from worker.context import Context
from worker.judging.enforcement_requests import EnforcementRequests
from worker.scanning.backfill import complete
from worker.scanning.grandfathering import Grandfathering
from worker.scanning.observation import Difference, judge_observed, observed_event
from worker.scanning.pullable import Pullability
from worker.scanning.report import Report, SoFar, log_report, remember
from worker.scanning.scan import SECOND_LOOK, Estimate, Observation, Scan, TagList, batches, scan_of
from worker.scanning.sweep_lock import SweepRunning, sweep_lock

logger = logging.getLogger(__name__)


class Sweep:
    """A sweep of some repositories, on from where it came so far.

    With `report_only` it changes nothing. With `deep` it also looks for all that the tags consist of. With `since` it
    looks only at tags that were recorded from then on, or have no record.
    """

    def __init__(
        self,
        context: Context,
        scan: Scan,
        repositories: Sequence[Repository],
        so_far: SoFar,
        *,
        report_only: bool = False,
        deep: bool = False,
        since: Time | None = None,
    ) -> None:
        self.so_far = so_far
        self.report: Report = so_far.report
        self.finished = False
        self._context = context
        self._scan = scan
        self._policies = context.policies.current()
        self._repositories = [each for each in repositories if so_far.is_ahead(each) and self._has_policy(each)]
        self.estimate = Estimate(len(self._repositories))
        self._report_only = report_only
        self._restorability = Pullability(scan) if deep else None
        self._since = since
        self._differing: list[tuple[float, Observation]] = []
        self._surveyed: list[Repository] = []

    def run(self, seconds: float = float("inf")) -> Iterator[int]:
        """Go on for so many seconds; yields how many tags were looked at since the last time.

        Raises `RegistryUnavailable`.
        """
        until = time.monotonic() + seconds
        for listing in self._scan.listings(self._repositories):
            yield from self._sweep_repository(listing, until)
            if time.monotonic() > until:
                break
        else:
            self.finished = True
        self._confirm(wait=True)
        self._note_surveyed()

    def _note_surveyed(self) -> None:
        """From now on, what differs in these repositories is none that was there when their protection began."""
        if not self._report_only and self._since is None:
            grandfathering = Grandfathering(self._context)
            for repository in self._surveyed:
                grandfathering.note(f"{self._scan.registry}/{repository}", self.so_far.began)
        self._surveyed.clear()

    def _has_policy(self, repository: Repository) -> bool:
        policies = self._policies.of_namespace(self._scan.registry, repository.namespace)
        return any(not policy.disabled for policy in policies)

    def _sweep_repository(self, listing: TagList, until: float) -> Iterator[int]:
        after = self.so_far.tag if listing.repository == self.so_far.repository else ""
        self.so_far.repository, self.so_far.tag, self.so_far.is_whole = listing.repository, after, False
        self._policies = self._context.policies.current()
        if not after:
            self.so_far.problems = len(self.report.problems)
        if listing.problem:
            self.report.note_problem(listing.problem)
        wanted = listing.after(after).only(self._is_asked)
        self.estimate.add(len(wanted.tags))
        for observations in batches(self._scan.observations(wanted)):
            self.report.looked += len(observations)
            self._sort(observations)
            self.so_far.tag = observations[-1].name.tag
            self._confirm()
            yield len(observations)
            if time.monotonic() > until:
                return
        self.so_far.is_whole = True
        if len(self.report.problems) == self.so_far.problems:
            self._surveyed.append(listing.repository)

    def _is_asked(self, state: TagState) -> bool:
        return self._since is None or state.record is None or state.record.time >= self._since

    def _sort(self, observations: Sequence[Observation]) -> None:
        """Part what differs from what is in place, and see to it that this can be restored one day."""
        in_place: list[Observation] = []
        for observation in observations:
            if observation.problem:
                self.report.note_problem(observation.problem)
            elif observation.differs or _is_back(observation):
                self._differing.append((time.monotonic(), observation))
            elif observation.found is not None and self._protection(observation.name) is not None:
                in_place.append(observation)
        if not self._report_only:
            complete(self._context, self._scan, in_place, self.report.note_problem)
        if self._restorability:
            for broken, problem in self._scan.side_by_side(self._restorability.check, in_place):
                self.report.note_broken(broken)
                self.report.note_problem(problem)

    def _confirm(self, *, wait: bool = False) -> None:
        """Look once more at what differed a while ago, and have judged what still does; `wait` until that is all."""
        if wait and self._differing:
            time.sleep(max(0, self._differing[-1][0] + SECOND_LOOK - time.monotonic()))
        due = time.monotonic() - (0 if wait else SECOND_LOOK)
        names = [observation.name for since, observation in self._differing if since <= due]
        self._differing = [(since, observation) for since, observation in self._differing if since > due]
        if names:
            states = self._context.ledger.states(names)
            self._take(list(self._scan.look_at((name, states[name]) for name in names)))

    def _take(self, observations: Sequence[Observation]) -> None:
        """Count what still differs, and have it judged; or put right at once, if it was judged before."""
        grandfathering = Grandfathering(self._context)
        events = [
            event for observation in observations if (event := self._event(observation, grandfathering)) is not None
        ]
        if not self._report_only:
            judge_observed(self._context, self._scan, events)

    def _event(self, observation: Observation, grandfathering: Grandfathering) -> Event | None:
        record, protection = observation.state.record, self._protection(observation.name)
        if observation.problem:
            self.report.note_problem(observation.problem)
            return None
        if not observation.differs:
            return observed_event(observation, "sweep") if _is_back(observation) else None
        if record is None:
            self.report.recorded += 1
            return observed_event(observation, "sweep")
        before = grandfathering.before(observation) if protection else None
        if protection is None or before is not None or not _is_guarded(observation, protection):
            self.report.followed += 1
            if before is not None and observation.found is not None and not self._report_only:
                EnforcementRequests.of(self._context).keep_if_missing(observation.name, observation.found)
            return observed_event(observation, "sweep", time=before)
        self.report.note_drift(Difference.of(observation))
        return self._news(observation, record, protection)

    def _news(self, observation: Observation, record: Record, protection: Protection) -> Event | None:
        """Drift as an event; none if it was judged before: then it is put right, or still only observed."""
        if observation.found is None and record.deleted:
            is_known = True
        elif protection.enforce:
            is_known = bool(self._context.violations.get_open(observation.name))
        else:
            last = self._context.ledger.history(observation.name)[-1:]
            is_known = any(each.decision.is_violation and each.event.digest == observation.found for each in last)
        if not is_known:
            return observed_event(observation, "sweep")
        if protection.enforce and not self._report_only:
            EnforcementRequests.of(self._context).restore([observation.name])
        return None

    def _protection(self, name: TagName) -> Protection | None:
        return self._policies.protection(*name.parts, Time.now())


def _is_guarded(observation: Observation, protection: Protection) -> bool:
    """Whether what happened to the tag is what it is protected against."""
    return protection.delete if observation.found is None else protection.overwrite


def _is_back(observation: Observation) -> bool:
    """Whether a tag is in place that somebody had deleted, and no event said that it was put back."""
    record = observation.state.record
    return record is not None and record.deleted and observation.found == record.digest


def sweep(context: Context, claim: Claim) -> None:
    """Do one slice of the sweep that was claimed: of `registry`, or of `registry/namespace`."""
    registry, _, namespace = claim.key.partition("/")
    name = RegistryName(registry)
    if name not in context.registries:
        context.sweeps.done(claim)
        return
    try:
        with sweep_lock(context, name) as check, scan_of(context, name) as scan:
            whole = _slice(context, scan, namespace, SoFar.read(claim.checkpoint), check)
    except SweepRunning as error:  # by a sweep of the whole registry, or by a command
        logger.info("the sweep of %s waits: %s", claim.key, error)
        context.sweeps.again(claim, claim.checkpoint, pause(2))
        return
    except RegistryError as error:
        logger.warning("the sweep of %s is put off: %s", claim.key, error)
        context.sweeps.again(claim, claim.checkpoint, pause(5))
        return
    if whole.finished:
        log_report(claim.key, whole.report)
        remember(context, claim.key, whole.report)
        context.sweeps.done(claim, anew=True)
    else:
        context.sweeps.again(claim, whole.so_far.written(), 0)


def _slice(context: Context, scan: Scan, namespace: str, so_far: SoFar, check: Callable[[], None]) -> Sweep:
    repositories, problem = scan.repositories()
    if problem and not so_far.repository:
        logger.warning("sweep of %s: %s", scan.registry, problem)
    wanted = [repository for repository in repositories if namespace in ("", repository.namespace)]
    whole = Sweep(context, scan, wanted, so_far)
    for _ in whole.run(SLICE):
        check()
    return whole
