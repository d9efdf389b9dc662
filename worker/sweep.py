"""Sweep: compare registry and ledger, tag by tag, and have put right what differs.

Events have holes, so this is part of the promise and no extra: whatever nobody told us is found here. It looks at every
namespace that has a policy. In it, a protected tag that is not what its record says is a violation, one without a
record is recorded, and the record of an unprotected tag follows the registry.

A tag that differs is looked at once more after a while: a push whose event is on its way is no drift.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from enforcer.agenda import Claim
from enforcer.errors import RegistryError
from enforcer.events import Event
from enforcer.names import Digest, RegistryName, Repository, TagName
from enforcer.policies.policy import Protection
from enforcer.times import Time
from worker.beginning import Beginnings
from worker.consequences import keep_if_missing, restore
from worker.context import Context
from worker.extent import Extent
from worker.finding import Difference, event_of, judge_findings
from worker.pace import Pace
from worker.patience import pause
from worker.survey import Listing, Look, Survey
from worker.sweep_lock import SweepRunning, sole_sweep
from worker.sweep_report import Progress, Report, remember

logger = logging.getLogger(__name__)

SLICE = 10
"""Seconds of work before a sweep makes room for other surveys; it goes on where it was."""

SECOND_LOOK = 1.0
"""Seconds between the look that finds a difference and the one that confirms it."""


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
        self.report = so_far.report
        self.finished = False
        self._context = context
        self._survey = survey
        self._policies = context.policies.current()
        self._repositories = [each for each in repositories if each >= so_far.repository and self._has_policy(each)]
        self.extent = Extent(len(self._repositories))
        self._report_only = report_only
        self._restorability = Restorability(context, survey) if deep else None
        self._since = since
        self._differing: list[tuple[float, Look]] = []

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

    def _has_policy(self, repository: Repository) -> bool:
        policies = self._policies.of_namespace(self._survey.registry, repository.namespace)
        return any(not policy.disabled for policy in policies)

    def _sweep_repository(self, listing: Listing, until: float) -> Iterator[int]:
        after = self.so_far.tag if listing.repository == self.so_far.repository else ""
        self.so_far.repository, self.so_far.tag = listing.repository, after
        self._policies = self._context.policies.current()
        if listing.problem:
            self.report.note_problem(listing.problem)
        wanted = replace(listing, tags={tag: at for tag, at in listing.tags.items() if tag > after and self._is_asked(at)})
        self.extent.add(len(wanted.tags))
        for looks in handfuls(self._survey.looks(wanted)):
            self.report.looked += len(looks)
            self._sort(looks)
            self.so_far.tag = looks[-1].name.tag
            self._confirm()
            yield len(looks)
            if time.monotonic() > until:
                return

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
                    keep_if_missing(self._context, look.name, look.found)
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
        """Count what differs for the second time, and have it judged; or put right at once, if it was judged before."""
        beginnings = Beginnings(self._context)
        events: list[Event] = []
        known: list[TagName] = []
        for look in looks:
            protection = self._protection(look.name)
            if look.problem:
                self.report.note_problem(look.problem)
            elif protection is None or not _is_guarded(look, protection):
                events += self._follow(look)
            elif (before := beginnings.before(look)) is not None:
                events += self._follow(look, before)
            elif not look.differs:
                events += [event_of(look, "sweep")] if _is_back(look) else []
            else:
                self.report.note_drift(Difference.of(look))
                if not self._is_known(look, protection):
                    events.append(event_of(look, "sweep"))
                elif protection.enforce:
                    known.append(look.name)
        if not self._report_only:
            restore(self._context, known)
            judge_findings(self._context, self._survey, events)
