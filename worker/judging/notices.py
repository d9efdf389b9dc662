"""Notices: people are told of decisions that are no violations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from enforcer.alerts.notices import notice
from enforcer.alerts.outbox import Alerts
from enforcer.judgement.effects import told_entries
from enforcer.judgement.history import replaced_digest
from enforcer.judgement.record import Decision
from enforcer.judgement.tag_decision import Decided
from enforcer.store.ledger import Ledger
from enforcer.store.told import Told
from worker.context import Context


@dataclass(frozen=True, slots=True)
class Notices:
    """Tells what there is to tell of decisions, each once."""

    ledger: Ledger
    alerts: Alerts
    told: Told
    kinds: frozenset[Decision]

    @classmethod
    def of(cls, context: Context) -> Self:
        """The notices of an installation."""
        kinds = frozenset({Decision.SUPERSEDED, Decision.CORRECTED, Decision.PART})
        if context.settings.alerts.alert_recorded:
            kinds |= {Decision.RECORDED}
        return cls(context.ledger, context.alerts, context.stores.told, kinds)

    def tell(self, decided: Decided) -> None:
        """Say what people must hear of, unless they heard it lately."""
        for name, entry in told_entries(decided, self.kinds):
            replaces = entry.decision in (Decision.SUPERSEDED, Decision.CORRECTED)
            before = replaced_digest(entry, self.ledger.history(name)) if replaces else None
            said = notice(name, entry, before)
            if said is not None and not self.told.was(said.id):
                self.alerts.announce([said])
                self.told.note(said.id)  # only now: what a worker that dies in between tells again has the same id
