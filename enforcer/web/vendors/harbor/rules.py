"""Rules as Harbor's clients write and read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from enforcer.errors import InvalidPolicy
from enforcer.names import Namespace, RegistryName
from enforcer.policies.policy import Policy
from enforcer.policies.vendor_rule import RepositorySelectorBody, RuleBody, TagSelectorBody
from enforcer.validation.json_object import JsonObject, parse
from enforcer.web.vendors.rules import respelled, rule_json

_MISMATCH = "bad request: the immutable_rule_id doesn't match the id in the payload body of ImmutableRule"


class _HarborRule(RuleBody[RepositorySelectorBody, TagSelectorBody]):
    """A whole rule. `params`, which Harbor itself has no use for, is left alone."""

    def replace_in(self, policy: Policy) -> Policy:
        """The policy with everything that Harbor shows of it replaced; our own fields stay."""
        return replace(
            policy,
            repositories=respelled(policy.repositories, self.repositories),
            tags=respelled(policy.tags, self.tags),
            disabled=self.disabled,
            priority=self.priority,
        )


class _Change(JsonObject):
    """As much of a change as tells which kind it is."""

    id: int | None = None
    disabled: bool | None = None
    tag_selectors: Any = None
    scope_selectors: Any = None


def new_rule(body: bytes, registry: RegistryName, namespace: Namespace) -> Policy:
    """The policy that the body asks for: always enabled, as in Harbor, whose Terraform provider expects that.

    Raises `InvalidPolicy`.
    """
    return replace(parse(_HarborRule, body).draft(registry, namespace), disabled=False)


def change_of(body: bytes, rule: int) -> Callable[[Policy], Policy]:
    """The change that the body asks for: all of the policy, or where it has no selectors the switch alone.

    Raises `InvalidPolicy`.
    """
    change = parse(_Change, body)
    if change.id not in (None, rule):
        raise InvalidPolicy(_MISMATCH)
    if change.tag_selectors is not None or change.scope_selectors is not None:
        return parse(_HarborRule, body).replace_in
    if change.id is None and change.disabled is None:
        raise InvalidPolicy("the body has neither selectors nor disabled: send the whole rule, or the switch")
    disabled = bool(change.disabled)  # Go's clients leave out what is false
    return lambda policy: replace(policy, disabled=disabled)


def harbor_rule_json(policy: Policy) -> dict[str, Any]:
    """One item of the list: SWR's synonym for tags is put into Harbor's words."""
    decoration = "excludes" if policy.tags.excludes else "matches"
    return rule_json(replace(policy, tags=replace(policy.tags, decoration=decoration)))
