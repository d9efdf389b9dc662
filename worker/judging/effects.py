"""Effects of decisions: originals are kept, violations opened or withdrawn, tags restored.

All of it may be done again after a crash: what was done already changes nothing the second time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from enforcer.judgement.effects import manifests_to_keep, tags_to_restore
from enforcer.judgement.tag_decision import Decided
from enforcer.store.policies import PolicyStore
from worker.context import Context
from worker.judging.enforcement_requests import EnforcementRequests
from worker.judging.notices import Notices
from worker.judging.violations import ViolationEffects


@dataclass(frozen=True, slots=True)
class Effects:
    """Applies the effects of decisions that are written."""

    policies: PolicyStore
    requests: EnforcementRequests
    violations: ViolationEffects
    notices: Notices

    @classmethod
    def of(cls, context: Context) -> Self:
        """The effects in an installation."""
        requests, violations = EnforcementRequests.of(context), ViolationEffects.of(context)
        return cls(context.policies, requests, violations, Notices.of(context))

    def apply(self, decided: Decided) -> None:
        """Keep, open, withdraw and restore as was decided of each tag."""
        self.keep_originals(decided)
        self.violations.apply(decided)
        self.requests.restore(tags_to_restore(decided))
        self.violations.close_approved(decided)
        self.notices.tell(decided)

    def keep_originals(self, decided: Decided) -> None:
        """Have the manifests fetched that protected tags are recorded with from now on."""
        self.requests.keep(manifests_to_keep(decided, self.policies.current()))
