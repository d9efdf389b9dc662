"""Immutability rules of SWR and Harbor where they meet policies that are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from enforcer.errors import NotFound
from enforcer.policies.policy import Policy, Selector
from enforcer.store.namespaces import Namespaces

ACTION = "immutable"
TEMPLATE = "immutable_template"


def place_check(namespaces: Namespaces, registry: str, namespace: str) -> Callable[[Policy], None]:
    """Raises `NotFound` for a policy of another namespace, where its id means nothing; at once for no such registry."""
    place = (namespaces.registry(registry), namespace)

    def check(policy: Policy) -> None:
        if (policy.registry, policy.namespace) != place:
            namespaces.get(*place)  # where there is no such namespace, that is the better answer
            raise NotFound(f"immutable rule {policy.id} not found in {namespace}", "policy")

    return check


def respelled(before: Selector, after: Selector) -> Selector:
    """A selector as sent, but in the words of the one before where it says the same: they are another dialect's."""
    return replace(after, decoration=before.decoration) if after.meaning == before.meaning else after


def rule_json(policy: Policy) -> dict[str, Any]:
    """The rule that both vendors' clients read, with every field."""
    return {
        "id": policy.id,
        "priority": policy.priority,
        "disabled": policy.disabled,
        "action": ACTION,
        "template": TEMPLATE,
        "tag_selectors": [_selector_json(policy.tags)],
        "scope_selectors": {"repository": [_selector_json(policy.repositories)]},
    }


def _selector_json(selector: Selector) -> dict[str, str]:
    return {
        "kind": "doublestar",
        "decoration": selector.decoration,
        "pattern": selector.pattern.text,
        "extras": selector.extras,
    }
