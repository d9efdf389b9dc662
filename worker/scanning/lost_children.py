"""Lost children: a manifest below a recorded index that the registry has lost is a deletion that no event told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from enforcer.events import Action, Event
from enforcer.names import TagName
from enforcer.policies.policy import Protection
from enforcer.store.ledger import Ledger
from enforcer.store.violations import Violations
from worker.judging.enforcement_requests import EnforcementRequests
from worker.scanning.children import Children, Family
from worker.scanning.observation import Difference, Observation
from worker.scanning.observation_judge import ObservationJudge
from worker.scanning.report import Report

ProtectionOf = Callable[[TagName], Protection | None]


@dataclass(frozen=True, slots=True)
class LostChildren:
    """Finds lost children of tags that are in place, and has them judged; with `report_only` it changes nothing."""

    report: Report
    children: Children
    judge: ObservationJudge
    requests: EnforcementRequests
    ledger: Ledger
    violations: Violations
    report_only: bool

    def take(self, in_place: Sequence[Observation], protection_of: ProtectionOf) -> None:
        """Look for the children of these tags."""
        families = list(self.children.look(in_place))
        for family in families:
            self.report.note_problem(family.problem)
        self._describe(families)
        broken = []
        for family in families:
            protection = protection_of(family.observation.name)
            if family.lost and protection is not None and protection.delete:
                self.report.note_drift(Difference.of(family.observation, lost=family.lost[0]))
                broken.append((family, protection))
        if broken and not self.report_only:
            states = self.ledger.states(family.observation.name for family, _ in broken)
            fresh = [(replace(each, observation=each.observed(states)), protection) for each, protection in broken]
            self.judge.judge([event for each in fresh if (event := self._deletion(*each)) is not None])

    def _describe(self, families: Iterable[Family]) -> None:
        """Have the records list what is below them, at any depth: from now on its deletion concerns the tag."""
        if not self.report_only:
            unknown = (family for family in families if not family.is_described)
            self.judge.judge([self._description(family) for family in unknown])

    def _description(self, family: Family) -> Event:
        event = self.judge.event(family.observation)
        return replace(event, media_type=family.media_type, children=family.below)

    def _deletion(self, family: Family, protection: Protection) -> Event | None:
        """The deletion as an event; none if it was judged before: then it is put right, or still only observed."""
        name, lost = family.observation.name, family.lost[0]
        if protection.enforce and self.violations.get_open(name):
            self.requests.restore([name])
            return None
        if not protection.enforce:
            last = self.ledger.history(name)[-2:]  # a look that found the tag itself in place may have come since
            if any(each.decision.is_violation and each.event.digest == lost for each in last):
                return None
        return replace(self.judge.event(family.observation), action=Action.DELETE, digest=lost)
