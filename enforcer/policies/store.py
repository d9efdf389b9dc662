"""Policies in Redis: one hash and a version, so that a worker reads them again only when they changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis
from redis.client import Pipeline

from enforcer.policies.policy import Policy, PolicySet
from enforcer.settings import PolicySettings
from enforcer.times import Time

SETTINGS = "settings"
"""The origin of policies that the configuration file declares: it alone creates, changes and removes them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What applying a configuration changes."""

    created: tuple[Policy, ...] = ()
    changed: tuple[Policy, ...] = ()
    removed: tuple[Policy, ...] = ()


class PolicyStore:
    """All policies; `current` is what judges."""

    _POLICIES = "te:{policies}"
    _VERSION = "te:{policies}:version"
    _IDS = "te:{policies}:ids"

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._set = PolicySet((), version=-1)

    def current(self) -> PolicySet:
        """The policies as they are now: one small read, and the whole set only when it has a new version."""
        version = int(self._redis.get(self._VERSION) or 0)
        if version != self._set.version:
            self._set = self._load()
        return self._set

    def _load(self) -> PolicySet:
        with self._redis.pipeline() as pipe:
            pipe.get(self._VERSION)
            pipe.hvals(self._POLICIES)
            version, values = pipe.execute()
        return PolicySet((Policy.from_dict(json.loads(value)) for value in values), int(version or 0))

    def apply_settings(self, declared: Sequence[PolicySettings]) -> Difference:
        """Make the stored policies of the configuration file those that it declares now.

        A policy keeps its id while its selectors stay the same, and if it is the only one left in its namespace. One
        that is already as declared is left alone: it stays in force since when it was.
        """

        def change(pipe: Pipeline) -> Difference:
            policies = [Policy.from_dict(json.loads(value)) for value in pipe.hvals(self._POLICIES)]
            owned = [policy for policy in policies if policy.origin == SETTINGS]
            pairs, removed = _pair(declared, owned)
            highest = int(pipe.get(self._IDS) or 0)
            created, changed = [], []
            for wanted, policy in pairs:
                if policy is None:
                    highest += 1
                    created.append(_build(wanted, highest))
                elif (now := _amend(wanted, policy)) != policy:
                    changed.append(now)
            pipe.multi()
            pipe.set(self._IDS, highest)
            for policy in (*created, *changed):
                pipe.hset(self._POLICIES, str(policy.id), json.dumps(policy.as_dict()))
            for policy in removed:
                pipe.hdel(self._POLICIES, str(policy.id))
            if created or changed or removed:
                pipe.incr(self._VERSION)
            return Difference(tuple(created), tuple(changed), tuple(removed))

        return self._transaction(change)

    def _transaction(self, change: Callable[[Pipeline], Difference]) -> Difference:
        """Run a change until nobody else changed the policies meanwhile."""
        done: Difference = self._redis.transaction(
            change, self._POLICIES, self._VERSION, self._IDS, value_from_callable=True
        )
        return done


def _pair(
    declared: Sequence[PolicySettings], owned: Iterable[Policy]
) -> tuple[list[tuple[PolicySettings, Policy | None]], list[Policy]]:
    """Match what is declared with what is stored: by equal selectors, then by place within the namespace."""
    left = list(owned)
    pairs: list[tuple[PolicySettings, Policy | None]] = []
    unmatched: list[PolicySettings] = []
    for wanted in declared:
        same = next((policy for policy in left if policy.scope == _build(wanted, policy.id).scope), None)
        if same is None:
            unmatched.append(wanted)
        else:
            left.remove(same)
            pairs.append((wanted, same))
    for wanted in unmatched:
        place = (wanted.registry, wanted.namespace)
        other = next((policy for policy in left if (policy.registry, policy.namespace) == place), None)
        if other is not None:
            left.remove(other)
        pairs.append((wanted, other))
    return pairs, left


def _build(wanted: PolicySettings, policy_id: int) -> Policy:
    fields = wanted.model_dump(mode="json") | {
        "id": policy_id,
        "effective_since": Time.now(),
        "origin": SETTINGS,
    }
    return Policy.from_dict(fields)


def _amend(wanted: PolicySettings, policy: Policy) -> Policy:
    """The stored policy as it is declared now; in force anew if it was switched on or selects other tags."""
    amended = _build(wanted, policy.id)
    enabled = policy.disabled and not amended.disabled
    if enabled or amended.scope != policy.scope:
        return amended
    return replace(amended, effective_since=policy.effective_since)
