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
from enforcer.judgement.record import Record, Standing
from enforcer.names import RegistryName, Repository, TagName
from enforcer.policies.policy import Protection
from enforcer.store.workqueue import Claim
from enforcer.times import Time
from worker.backoff import pause
from worker.context import Context
from worker.judging.effects import keep_if_missing, restore
from worker.scanning.backfill import complete
from worker.scanning.grandfathering import Beginnings
from worker.scanning.observation import Difference, event_of, judge_findings
from worker.scanning.pullable import Restorability
from worker.scanning.report import Report, SoFar, log_report, remember
from worker.scanning.scan import SECOND_LOOK, Extent, Listing, Look, Survey, handfuls, survey_of
from worker.scanning.sweep_lock import SweepRunning, sole_sweep

logger = logging.getLogger(__name__)

SLICE = 10
"""Seconds of work before a sweep makes room for other surveys; it goes on where it was."""


class Sweep:
    """A sweep of some repositories, on from where it came so far.

    With `report_only` it changes nothing. With `deep` it also looks for all that the tags consist of. With `since` it
    looks only at tags that were recorded from then on, or have no record.
    """

    def __init__(
        self,
        context: Context,
        survey: Survey,
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
        self._survey = survey
        self._policies = context.policies.current()
        self._repositories = [each for each in repositories if so_far.is_ahead(each) and self._has_policy(each)]
        self.extent = Extent(len(self._repositories))
        self._report_only = report_only
        self._restorability = Restorability(survey) if deep else None
        self._since = since
        self._differing: list[tuple[float, Look]] = []
        self._surveyed: list[Repository] = []

    def run(self, seconds: float = float("inf")) -> Iterator[int]:
        """Go on for so many seconds; yields how many tags were looked at since the last time.

        Raises `RegistryUnavailable`.
        """
        until = time.monotonic() + seconds
        for listing in self._survey.listings(self._repositories):
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
            beginnings = Beginnings(self._context)
            for repository in self._surveyed:
                beginnings.note(f"{self._survey.registry}/{repository}", self.so_far.began)
        self._surveyed.clear()

    def _has_policy(self, repository: Repository) -> bool:
        policies = self._policies.of_namespace(self._survey.registry, repository.namespace)
        return any(not policy.disabled for policy in policies)

    def _sweep_repository(self, listing: Listing, until: float) -> Iterator[int]:
        after = self.so_far.tag if listing.repository == self.so_far.repository else ""
        self.so_far.repository, self.so_far.tag, self.so_far.is_whole = listing.repository, after, False
        self._policies = self._context.policies.current()
        if not after:
            self.so_far.problems = len(self.report.problems)
        if listing.problem:
            self.report.note_problem(listing.problem)
        wanted = listing.after(after).only(self._is_asked)
        self.extent.add(len(wanted.tags))
        for looks in handfuls(self._survey.looks(wanted)):
            self.report.looked += len(looks)
            self._sort(looks)
            self.so_far.tag = looks[-1].name.tag
            self._confirm()
            yield len(looks)
            if time.monotonic() > until:
                return
        self.so_far.is_whole = True
        if len(self.report.problems) == self.so_far.problems:
            self._surveyed.append(listing.repository)

    def _is_asked(self, standing: Standing) -> bool:
        return self._since is None or standing.record is None or standing.record.time >= self._since

    def _sort(self, looks: Sequence[Look]) -> None:
        """Part what differs from what is in place, and see to it that this can be restored one day."""
        in_place: list[Look] = []
        for look in looks:
            if look.problem:
                self.report.note_problem(look.problem)
            elif look.differs or _is_back(look):
                self._differing.append((time.monotonic(), look))
            elif look.found is not None and self._protection(look.name) is not None:
                in_place.append(look)
        if not self._report_only:
            complete(self._context, self._survey, in_place, self.report.note_problem)
        if self._restorability:
            for broken, problem in self._survey.side_by_side(self._restorability.check, in_place):
                self.report.note_broken(broken)
                self.report.note_problem(problem)

    def _confirm(self, *, wait: bool = False) -> None:
        """Look once more at what differed a while ago, and have judged what still does; `wait` until that is all."""
        if wait and self._differing:
            time.sleep(max(0, self._differing[-1][0] + SECOND_LOOK - time.monotonic()))
        due = time.monotonic() - (0 if wait else SECOND_LOOK)
        names = [look.name for since, look in self._differing if since <= due]
        self._differing = [(since, look) for since, look in self._differing if since > due]
        if names:
            standings = self._context.ledger.standings(names)
            self._take(list(self._survey.look_at((name, standings[name]) for name in names)))

    def _take(self, looks: Sequence[Look]) -> None:
        """Count what still differs, and have it judged; or put right at once, if it was judged before."""
        beginnings = Beginnings(self._context)
        events = [event for look in looks if (event := self._event(look, beginnings)) is not None]
        if not self._report_only:
            judge_findings(self._context, self._survey, events)

    def _event(self, look: Look, beginnings: Beginnings) -> Event | None:
        record, protection = look.standing.record, self._protection(look.name)
        if look.problem:
            self.report.note_problem(look.problem)
            return None
        if not look.differs:
            return event_of(look, "sweep") if _is_back(look) else None
        if record is None:
            self.report.recorded += 1
            return event_of(look, "sweep")
        before = beginnings.before(look) if protection else None
        if protection is None or before is not None or not _is_guarded(look, protection):
            self.report.followed += 1
            if before is not None and look.found is not None and not self._report_only:
                keep_if_missing(self._context, look.name, look.found)
            return event_of(look, "sweep", time=before)
        self.report.note_drift(Difference.of(look))
        return self._news(look, record, protection)

    def _news(self, look: Look, record: Record, protection: Protection) -> Event | None:
        """Drift as an event; none if it was judged before: then it is put right, or still only observed."""
        if look.found is None and record.deleted:
            is_known = True
        elif protection.enforce:
            is_known = bool(self._context.violations.get_open(look.name))
        else:
            last = self._context.ledger.history(look.name)[-1:]
            is_known = any(each.decision.is_violation and each.event.digest == look.found for each in last)
        if not is_known:
            return event_of(look, "sweep")
        if protection.enforce and not self._report_only:
            restore(self._context, [look.name])
        return None

    def _protection(self, name: TagName) -> Protection | None:
        return self._policies.protection(*name.parts, Time.now())


def _is_guarded(look: Look, protection: Protection) -> bool:
    """Whether what happened to the tag is what it is protected against."""
    return protection.delete if look.found is None else protection.overwrite


def _is_back(look: Look) -> bool:
    """Whether a tag is in place that somebody had deleted, and no event said that it was put back."""
    record = look.standing.record
    return record is not None and record.deleted and look.found == record.digest


def sweep(context: Context, claim: Claim) -> None:
    """Do one slice of the sweep that was claimed: of `registry`, or of `registry/namespace`."""
    registry, _, namespace = claim.item.partition("/")
    name = RegistryName(registry)
    if name not in context.registries:
        context.sweeps.done(claim.item)
        return
    try:
        with sole_sweep(context, name) as check, survey_of(context, name) as survey:
            whole = _slice(context, survey, namespace, SoFar.read(claim.notes), check)
    except SweepRunning as error:  # by a sweep of the whole registry, or by a command
        logger.info("the sweep of %s waits: %s", claim.item, error)
        context.sweeps.again(claim.item, claim.notes, pause(2))
        return
    except RegistryError as error:
        logger.warning("the sweep of %s is put off: %s", claim.item, error)
        context.sweeps.again(claim.item, claim.notes, pause(5))
        return
    if whole.finished:
        log_report(claim.item, whole.report)
        remember(context, claim.item, whole.report)
        context.sweeps.done(claim.item, anew=True)
    else:
        context.sweeps.again(claim.item, whole.so_far.written(), 0)


def _slice(context: Context, survey: Survey, namespace: str, so_far: SoFar, check: Callable[[], None]) -> Sweep:
    repositories, problem = survey.repositories()
    if problem and not so_far.repository:
        logger.warning("sweep of %s: %s", survey.registry, problem)
    wanted = [repository for repository in repositories if namespace in ("", repository.namespace)]
    whole = Sweep(context, survey, wanted, so_far)
    for _ in whole.run(SLICE):
        check()
    return whole
