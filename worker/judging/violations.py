"""The life of violations while events are judged: opened, renewed, withdrawn, or ended by an approval.

All of it may be done again after a crash: what was done already changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from enforcer.alerts.health import Health
from enforcer.alerts.message import Severity
from enforcer.alerts.outbox import Alerts
from enforcer.judgement.effects import (
    ViolationChanges,
    approved_digests,
    overtaken,
    violations_among,
    with_violations,
)
from enforcer.judgement.tag_decision import Decided
from enforcer.judgement.violation import State, Violation
from enforcer.names import TagName
from enforcer.store.ledger import Ledger
from enforcer.store.violations import Violations
from enforcer.times import Time
from worker.context import Context
from worker.enforcement.fights import FightReport
from worker.enforcement.restore import LONG_AGO
from worker.enforcement.rivals import Rivals
from worker.judging.enforcement_requests import EnforcementRequests

TELL_AGAIN = 3600
"""Seconds after which people hear again that too many violations are open."""


@dataclass(frozen=True, slots=True)
class ViolationEffects:
    """Opens and withdraws violations as decisions say."""

    violations: Violations
    ledger: Ledger
    alerts: Alerts
    requests: EnforcementRequests
    health: Health
    fights: FightReport
    rivals: Rivals
    clock: Callable[[], Time] = Time.now

    @classmethod
    def of(cls, context: Context) -> Self:
        """The effects on the violations of an installation."""
        return cls(
            violations=context.violations,
            ledger=context.ledger,
            alerts=context.alerts,
            requests=EnforcementRequests.of(context),
            health=context.health,
            fights=FightReport.of(context),
            rivals=Rivals.of(context),
            clock=context.timing.now,
        )

    def apply(self, decided: Decided) -> None:
        """Open violations and withdraw those that are none any more."""
        # Another worker may judge the same entries anew between our write and this: then its decision counts, whichever
        # of us gets here last. So what was overtaken is read again, until nothing was.
        while decided:
            self._apply_once(decided)
            decided = self._overtaken(decided)

    def close_approved(self, decided: Decided) -> None:
        """End the open violations whose digest an operator has approved."""
        for name, decision in decided:
            for digest in approved_digests(decision):
                for violation in self.violations.get_open(name):
                    if violation.pushed == digest:
                        self.violations.update(self._closed(violation, State.APPROVED))

    def _apply_once(self, decided: Decided) -> None:
        found = violations_among(decided)
        changes = ViolationChanges.between(self.violations.known(found), found)
        for violation in changes.ended:
            self._withdraw(violation)
        # Opening comes last, since an open violation counts as done here: a worker that dies before it begins anew.
        # And a restore that sees an open violation knows that it was asked for.
        self.alerts.announce_violations(changes.observed)
        told = self._restore(changes)
        if self.violations.open(replace(each, told=each.told or each.id in told) for each in changes.news):
            self._tell_if_full()

    def _restore(self, changes: ViolationChanges) -> set[str]:
        """Have tags put back that were changed, and tell of fights; returns the violations that people hear of by that.

        Fights come first: a PUT that returns must find its beginning.
        """
        fresh: set[TagName] = set()
        of_rivals: set[TagName] = set()
        past: set[TagName] = set()
        told: set[str] = set()
        for name, violations in changes.by_tag.items():
            rival = all(map(self.rivals.is_rival, violations))
            self.fights.pushed(name, violations, rival=rival)
            told |= {each.id for each in violations if not each.doubtful}
            # What is long past is looked at before anything is put, which takes a violation that is open by then.
            (past if self._is_long_ago(violations) else of_rivals if rival else fresh).add(name)
        self.requests.restore(fresh)
        self.requests.restore_later(of_rivals)
        self.requests.restore_later(past, look_first=True)
        return told

    def _is_long_ago(self, violations: Sequence[Violation]) -> bool:
        now = self.fights.fights.now() / 1000
        return all(now - each.arrived_at >= LONG_AGO for each in violations)

    def _tell_if_full(self) -> None:
        if self.violations.count_open() >= self.violations.most:
            text = f"{self.violations.most} violations are open, and the oldest of them are forgotten from now on"
            self.health.tell("open violations", Severity.CRITICAL, text, TELL_AGAIN)

    def _overtaken(self, decided: Decided) -> Decided:
        """The decisions of other workers since then, of all tags that violations were opened or withdrawn for."""
        pursued = with_violations(decided)
        states = self.ledger.states(pursued) if pursued else {}
        names = overtaken(pursued, states)
        histories = self.ledger.histories(names) if names else {}
        return [(name, pursued[name].anew(states[name], history)) for name, history in histories.items()]

    def _withdraw(self, violation: Violation) -> None:
        """Only people who were told of the violation are told that it is none."""
        self.fights.withdrawn(violation.name)
        if violation.told:
            withdrawn = self._closed(violation, State.WITHDRAWN)
            self.alerts.announce_violations([withdrawn])
            self.violations.update(withdrawn)
        else:
            self.violations.forget(violation)

    def _closed(self, violation: Violation, state: State) -> Violation:
        return violation.closed_as(state, self.clock())
