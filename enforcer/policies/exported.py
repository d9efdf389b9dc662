"""Policies as they would be declared: what `[[policies]]` tables say of stored ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from enforcer.configuration.policy import PolicySettings
from enforcer.policies.policy import Policy, Selector


def declaration(policy: Policy) -> dict[str, Any]:
    """Everything of a policy that can be declared, as JSON and TOML have it."""
    fields = policy.as_dict()
    return {name: fields[name] for name in PolicySettings.model_fields} | {
        "repositories": _selector(policy.repositories, "repoMatches", "repoExcludes"),
        "tags": _selector(policy.tags, "matches", "excludes"),
        "protect": sorted(policy.protect, reverse=True),
        "settle": round(policy.settle),
    }


def short_declaration(policy: Policy) -> dict[str, Any]:
    """The same without what is so by default, except for the selectors."""
    fields = declaration(policy)
    defaults = {name: field.default for name, field in PolicySettings.model_fields.items() if name != "repositories"}
    return {name: value for name, value in fields.items() if name not in defaults or _differs(value, defaults[name])}


def to_toml(policies: Iterable[Policy]) -> str:
    """The policies as `[[policies]]` tables, which `enforcer policy apply` and enforcer.toml take."""
    tables = [
        "[[policies]]\n" + "".join(f"{name} = {_value(value)}\n" for name, value in short_declaration(policy).items())
        for policy in policies
    ]
    return "\n".join(tables) or "policies = []\n"


def _selector(selector: Selector, matches: str, excludes: str) -> dict[str, str]:
    """SWR stores decorations of repositories for tags as well."""
    return {"decoration": excludes if selector.excludes else matches, "pattern": selector.pattern.text}


def _differs(value: Any, default: Any) -> bool:
    return bool(value != (list(default) if isinstance(default, tuple) else default))


def _value(value: Any) -> str:
    """A TOML value. Strings, lists and numbers are those of JSON, except that DEL must be escaped."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(part)}" for name, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
