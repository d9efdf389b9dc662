"""Rules as SWR's clients write and read them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from enforcer.policies.policy import Policy
from enforcer.policies.vendor_rule import Kind, RepositorySelectorBody, RuleBody, SelectorBody
from enforcer.store.namespaces import NumberedNamespace
from enforcer.web.vendors.rules import rule_json


class SwrRepositorySelector(RepositorySelectorBody):
    """Harbor's, but that SWR asks for the kind."""

    kind: Kind


class SwrTagSelector(SelectorBody):
    """As the vendor's examples have it, or as its text does, which says `repoMatches` for tags too."""

    kind: Kind
    decoration: Literal["matches", "repoMatches", "excludes"]


class SwrRule(RuleBody[SwrRepositorySelector, SwrTagSelector]):
    """The body of create and update."""

    def create_in(self, namespace: NumberedNamespace) -> Policy:
        """The policy that the rule asks for."""
        draft = self.draft(namespace.registry, namespace.name)
        return replace(draft, action=self.action, template=self.template)

    def replace_in(self, policy: Policy) -> Policy:
        """The policy with everything that SWR shows of it replaced; our own fields stay."""
        return replace(
            policy,
            repositories=self.repositories,
            tags=self.tags,
            disabled=self.disabled,
            priority=self.priority,
            action=self.action,
            template=self.template,
        )


def swr_rule_json(policy: Policy, namespace_id: int) -> dict[str, Any]:
    """One item of the list."""
    return rule_json(policy) | {
        "namespace_id": namespace_id,
        "namespace_name": policy.namespace,
        "action": policy.action,
        "template": policy.template,
    }
