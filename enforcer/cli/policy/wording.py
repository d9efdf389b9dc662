"""Policies in words, for people."""

from __future__ import annotations

from typing import Any

from enforcer.policies.declaration import declaration
from enforcer.policies.policy import Policy, Selector


def place(policy: Policy) -> str:
    """The namespace that it is about."""
    return f"{policy.registry}/{policy.namespace}"


def selected(selector: Selector) -> str:
    """The meaning of a selector; a pattern is as it was given."""
    return f"all but {selector.pattern.text}" if selector.excludes else selector.pattern.text


def state(policy: Policy) -> str:
    """Its mode, or that it is disabled."""
    return "disabled" if policy.disabled else str(policy.mode)


def one_line(policy: Policy) -> str:
    """Which policy it is, and what it says."""
    return (
        f"policy {policy.id} of {place(policy)}: tags {selected(policy.tags)} in repositories "
        f"{selected(policy.repositories)} ({state(policy)})"
    )


def differences(before: Policy, after: Policy) -> list[str]:
    """The fields that changed, a line each."""
    old, new = declaration(before), declaration(after)
    return [f"{name}: {_shown(old[name])} -> {_shown(new[name])}" for name in old if old[name] != new[name]]


def details(policy: Policy) -> list[str]:
    """All of it, a line for each field."""
    fields = {"id": policy.id} | declaration(policy)
    fields |= {
        "effective_since": policy.effective_since,
        "declared in": "the configuration" if policy.origin else "the store",
        "revision": policy.revision,
    }
    width = max(map(len, fields))
    return [f"{name:{width}}  {_shown(value)}" for name, value in fields.items()]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['decoration']} {value['pattern']}"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or "none"
