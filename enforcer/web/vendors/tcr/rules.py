"""The four actions of the TCR API.

A rule is a policy as TCR shows it: our own fields (mode, protect, settle ...) keep what they were when a rule is
modified. The two kinds that the vendor's console offers are ordinary rules: a *custom* one has the patterns that its
author wrote, and *latest*, every tag but `latest` in all repositories, is `repoMatches` `**` with `excludes` `latest`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Policy, Selector
from enforcer.times import Time
from enforcer.web.services import Services
from enforcer.web.vendors.rules import place_check
from enforcer.web.vendors.tcr.parameters import (
    CreateParameters,
    DeleteParameters,
    DescribeParameters,
    ModifyParameters,
    Parameters,
)


@dataclass(frozen=True, slots=True)
class Action:
    """An action that a call may ask for: its parameters, and whether it changes anything."""

    parameters: type[Parameters]
    run: Callable[[Services, Any, str], dict[str, Any]]
    """Called with those parameters and the name of the account; returns what the answer says."""
    changes: bool = True


def describe(here: Services, wanted: DescribeParameters, _: str) -> dict[str, Any]:
    """The rules of a registry, by id, and the namespaces that have none."""
    registry = here.stores.namespaces.registry(wanted.registry_id)
    policies = [policy for policy in here.stores.policies.current() if policy.registry == registry]
    ruled = {policy.namespace for policy in policies}
    return {
        "Rules": [_shown(policy) for policy in _page(policies, wanted)],
        "EmptyNs": [namespace.name for namespace in here.stores.namespaces.of(registry) if namespace.name not in ruled],
        "Total": len(policies),
    }


def create(here: Services, wanted: CreateParameters, by: str) -> dict[str, Any]:
    """Add a rule. The answer does not have its id: clients look it up by the namespace."""
    namespace = here.stores.namespaces.get(wanted.registry_id, wanted.namespace_name)
    rule = wanted.rule
    draft = Policy(
        id=0,
        registry=namespace.registry,
        namespace=namespace.name,
        repositories=Selector(rule.repository_decoration, Pattern.parse(rule.repository_pattern)),
        tags=Selector(rule.tag_decoration, Pattern.parse(rule.tag_pattern)),
        disabled=rule.disabled,
        effective_since=Time.now(),
    )
    here.stores.policies.create(draft, by)
    return {}


def modify(here: Services, wanted: ModifyParameters, by: str) -> dict[str, Any]:
    """Replace a rule; what is left out of it takes its default."""
    check = place_check(here.stores.namespaces, wanted.registry_id, wanted.namespace_name)
    rule = wanted.rule

    def edit(policy: Policy) -> Policy:
        check(policy)
        return replace(
            policy,
            repositories=_selector(policy.repositories, rule.repository_decoration, rule.repository_pattern),
            tags=_selector(policy.tags, rule.tag_decoration, rule.tag_pattern),
            disabled=rule.disabled,
        )

    here.stores.policies.change(wanted.rule_id, edit, by)
    return {}


def delete(here: Services, wanted: DeleteParameters, by: str) -> dict[str, Any]:
    """Remove a rule."""
    check = place_check(here.stores.namespaces, wanted.registry_id, wanted.namespace_name)
    here.stores.policies.delete(wanted.rule_id, by, check=check)
    return {}


ACTIONS = {
    "CreateImmutableTagRules": Action(CreateParameters, create),
    "DescribeImmutableTagRules": Action(DescribeParameters, describe, changes=False),
    "ModifyImmutableTagRules": Action(ModifyParameters, modify),
    "DeleteImmutableTagRules": Action(DeleteParameters, delete),
}


def _page(policies: list[Policy], wanted: DescribeParameters) -> list[Policy]:
    size = len(policies) if wanted.page_size is None else wanted.page_size
    start = (wanted.page - 1) * size
    return policies[start : start + size]


def _selector(stored: Selector, decoration: str, pattern: str) -> Selector:
    """The stored one where nothing changed: it may hold what only the clients of another API know."""
    selector = Selector(decoration, Pattern.parse(pattern))
    return stored if selector.meaning == stored.meaning else selector


def _shown(policy: Policy) -> dict[str, Any]:
    repositories, tags = policy.repositories, policy.tags
    return {
        "RuleId": policy.id,
        "NsName": policy.namespace,
        "RepositoryDecoration": "repoExcludes" if repositories.excludes else "repoMatches",
        "RepositoryPattern": repositories.pattern.text,
        "TagDecoration": "excludes" if tags.excludes else "matches",
        "TagPattern": tags.pattern.text,
        "Disabled": policy.disabled,
    }
