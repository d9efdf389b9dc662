"""Policies in Redis: one hash and a version, so that a worker reads them again only when they changed.

Every change is made in one transaction on what is stored at that moment, and written to the audit stream with what was
there before. A policy that begins to protect has the tags of its namespace recorded as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis
from redis.client import Pipeline

from enforcer.agenda import Agenda
from enforcer.audit import Audit
from enforcer.configuration.policy import POLICIES_PER_NAMESPACE, PolicySettings
from enforcer.errors import NotFound, PolicyConflict
from enforcer.policies.policy import Policy, PolicySet
from enforcer.queue import Queues, Task
from enforcer.times import Time

SETTINGS = "settings"
"""The origin of policies that the configuration file declares: each start makes them again what it says."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a transaction changes; a changed policy comes with what it was before."""

    created: tuple[Policy, ...] = ()
    changed: tuple[tuple[Policy, Policy], ...] = ()
    removed: tuple[Policy, ...] = ()


class PolicyStore:
    """All policies. `current` is what judges; the rest is for whoever manages them."""

    _POLICIES = "te:{policies}"
    _VERSION = "te:{policies}:version"
    _IDS = "te:{policies}:ids"

    def __init__(self, redis: Redis, *, per_namespace: int = POLICIES_PER_NAMESPACE) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._per_namespace = per_namespace
        self._set = PolicySet((), version=-1)
        self._audit = Audit(redis)
        self._baselines = Agenda(redis, Task.BASELINE)
        self._queues = Queues(redis)

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
        return PolicySet(map(json.loads, values), int(version or 0))

    def create(self, draft: Policy, by: str) -> Policy:
        """Add a policy; its id, revision and time are given here. Raises `PolicyConflict`."""

        def change(stored: dict[int, Policy], new_id: int) -> Difference:
            policy = replace(draft, id=new_id, revision=1, effective_since=Time.now())
            self._check_place(policy, stored.values())
            return Difference(created=(policy,))

        (policy,) = self._transaction(change, by).created
        return policy

    def change(self, policy_id: int, edit: Callable[[Policy], Policy], by: str) -> Policy:
        """Make a policy what `edit` makes of it, which may be called several times and may raise.

        Its id, registry and namespace stay. Raises `NotFound` or `PolicyConflict`.
        """

        def change(stored: dict[int, Policy], _: int) -> Difference:
            before = _find(stored, policy_id)
            after = _succeed(before, edit(before))
            if after == before:
                return Difference()
            self._check_place(after, (other for other in stored.values() if other.id != policy_id))
            return Difference(changed=((before, after),))

        changed = self._transaction(change, by).changed
        return changed[0][1] if changed else self.current().get(policy_id)

    def delete(self, policy_id: int, by: str, *, check: Callable[[Policy], None] = lambda _: None) -> None:
        """Remove a policy, if `check` does not raise. Raises `NotFound`."""

        def change(stored: dict[int, Policy], _: int) -> Difference:
            policy = _find(stored, policy_id)
            check(policy)
            return Difference(removed=(policy,))

        self._transaction(change, by)

    def apply_settings(self, declared: Sequence[PolicySettings]) -> Difference:
        """Make the policies that belong to the configuration file those that it declares now.

        A policy keeps its id while its selectors stay the same, and else if it is the next one of its namespace. One
        that is already as declared is left alone: it stays in force since when it was.
        """

        def change(stored: dict[int, Policy], new_id: int) -> Difference:
            owned = [policy for policy in stored.values() if policy.origin == SETTINGS]
            pairs, removed = _pair([_draft(wanted) for wanted in declared], owned)
            created: list[Policy] = []
            changed: list[tuple[Policy, Policy]] = []
            for wanted, policy in pairs:
                if policy is None:
                    created.append(replace(wanted, id=new_id + len(created)))
                elif (after := _succeed(policy, wanted)) != policy:
                    changed.append((policy, after))
            return Difference(tuple(created), tuple(changed), tuple(removed))

        return self._transaction(change, SETTINGS)

    def _check_place(self, policy: Policy, others: Iterable[Policy]) -> None:
        place = (policy.registry, policy.namespace)
        beside = [other for other in others if (other.registry, other.namespace) == place]
        same = next((other for other in beside if other.scope == policy.scope), None)
        if same is not None:
            raise PolicyConflict(f"policy {same.id} of {policy.namespace} already says the same")
        if len(beside) >= self._per_namespace:
            raise PolicyConflict(
                f"{policy.namespace} has {len(beside)} of at most {self._per_namespace} policies: change policy "
                f"{beside[0].id}, or raise policies_per_namespace"
            )

    def _transaction(self, change: Callable[[dict[int, Policy], int], Difference], by: str) -> Difference:
        """Make a change on the stored policies, again if somebody else was quicker, and set off what follows."""

        def attempt(pipe: Pipeline) -> Difference:
            reading: Any = pipe
            stored = {policy.id: policy for policy in _read(reading.hvals(self._POLICIES))}
            difference = change(stored, int(reading.get(self._IDS) or 0) + 1)
            pipe.multi()
            self._write(pipe, difference, by)
            return difference

        difference: Difference = self._redis.transaction(
            attempt, self._POLICIES, self._VERSION, self._IDS, value_from_callable=True
        )
        self._baseline(difference)
        return difference

    def _write(self, pipe: Pipeline, difference: Difference, by: str) -> None:
        for policy in (*difference.created, *(after for _, after in difference.changed)):
            pipe.hset(self._POLICIES, str(policy.id), json.dumps(policy.as_dict()))
        for policy in difference.removed:
            pipe.hdel(self._POLICIES, str(policy.id))
        if difference.created:
            pipe.set(self._IDS, difference.created[-1].id)
        if difference != Difference():
            pipe.incr(self._VERSION)
        for policy in difference.created:
            self._audit.add("policy created", by, after=policy.as_dict(), pipe=pipe)
        for before, after in difference.changed:
            self._audit.add("policy changed", by, before=before.as_dict(), after=after.as_dict(), pipe=pipe)
        for policy in difference.removed:
            self._audit.add("policy deleted", by, before=policy.as_dict(), pipe=pipe)

    def _baseline(self, difference: Difference) -> None:
        """Have the tags recorded that a policy begins to protect."""
        begun = [policy for policy in difference.created if not policy.disabled]
        begun += [after for before, after in difference.changed if after.effective_since != before.effective_since]
        if begun:
            self._baselines.add({(f"{policy.registry}/{policy.namespace}", "") for policy in begun})
            self._queues.wake(Task.BASELINE)


def _read(values: Iterable[bytes]) -> Iterable[Policy]:
    return (Policy.from_dict(json.loads(value)) for value in values)


def _find(stored: dict[int, Policy], policy_id: int) -> Policy:
    if policy_id not in stored:
        raise NotFound(f"there is no policy {policy_id}", "policy")
    return stored[policy_id]


def _succeed(before: Policy, after: Policy) -> Policy:
    """The next revision of a policy, or the same where nothing changed.

    It is in force anew if it was switched on or selects other tags.
    """
    begins = (before.disabled and not after.disabled) or after.scope != before.scope
    amended = replace(
        after,
        id=before.id,
        registry=before.registry,
        namespace=before.namespace,
        revision=before.revision,
        effective_since=Time.now() if begins else before.effective_since,
    )
    return amended if amended == before else replace(amended, revision=before.revision + 1)


def _pair(
    declared: Sequence[Policy], owned: Iterable[Policy]
) -> tuple[list[tuple[Policy, Policy | None]], list[Policy]]:
    """Match what is declared with what is stored: by equal selectors, then by place within the namespace."""
    left = list(owned)
    pairs: list[tuple[Policy, Policy | None]] = []
    unmatched: list[Policy] = []
    for wanted in declared:
        same = next((policy for policy in left if policy.scope == wanted.scope), None)
        if same is None:
            unmatched.append(wanted)
        else:
            left.remove(same)
            pairs.append((wanted, same))
    for wanted in unmatched:
        place = (wanted.registry, wanted.namespace)
        next_one = next((policy for policy in left if (policy.registry, policy.namespace) == place), None)
        if next_one is not None:
            left.remove(next_one)
        pairs.append((wanted, next_one))
    return pairs, left


def _draft(wanted: PolicySettings) -> Policy:
    fields = wanted.model_dump(mode="json") | {"id": 0, "effective_since": Time.now(), "origin": SETTINGS}
    return Policy.from_dict(fields)
