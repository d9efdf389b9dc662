"""Policies of the namespace `team` of the registry `main`, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Policy, Selector
from enforcer.times import Time
from tests.fakes.events import MAIN

SINCE = Time("2026-11-22T04:00:00Z")


def selector(decoration: str, pattern: str) -> Selector:
    """A selector of a policy."""
    return Selector(decoration, Pattern.parse(pattern))


def policy(number: int = 0, tags: str = "v*", repositories: str = "**", **changes: Any) -> Policy:
    """A policy with that id, in force since SINCE; without more, it protects the tags `v*` of all repositories."""
    fields = {
        "id": number,
        "registry": MAIN,
        "namespace": "team",
        "repositories": selector("repoMatches", repositories),
        "tags": selector("matches", tags),
        "effective_since": SINCE,
    }
    return Policy(**fields | changes)
