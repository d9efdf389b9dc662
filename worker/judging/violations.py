"""The life of violations while events are judged: opened, renewed, withdrawn, or ended by an approval.

All of it may be done again after a crash: what was done already changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
from enforcer.store.ledger import Ledger
from enforcer.store.violations import Violations
from enforcer.times import Time
from worker.context import Context
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
    clock: Callable[[], Time] = Time.now

    @classmethod
    def of(cls, context: Context) -> Self:
        """The effects on the violations of an installation."""
        requests = EnforcementRequests.of(context)
        return cls(context.violations, context.ledger, context.alerts, requests, context.health, context.timing.now)

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
        self.requests.restore(changes.to_restore)
        if self.violations.open(changes.news):
            self._tell_if_full()

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
        if violation.told:
            withdrawn = self._closed(violation, State.WITHDRAWN)
            self.alerts.announce_violations([withdrawn])
            self.violations.update(withdrawn)
        else:
            self.violations.forget(violation)

    def _closed(self, violation: Violation, state: State) -> Violation:
        return violation.closed_as(state, self.clock())
