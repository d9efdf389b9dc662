"""Policies in Redis: one hash and a version, so that a worker reads them again only when they changed.

Every change is made in one transaction on what is stored at that moment, and written to the audit stream with what was
there before. A policy that begins to protect has the tags of its namespace recorded as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from redis import Redis
from redis.client import Pipeline

from enforcer.policies.declaration import POLICIES_PER_NAMESPACE, PolicySettings, draft
from enforcer.policies.difference import (
    Difference,
    Rights,
    check_addition,
    check_declared,
    check_distinct,
    check_room,
    compare,
    succeed,
)
from enforcer.policies.policy import Policy
from enforcer.policies.policy_set import Former, PolicySet
from enforcer.policies.unlock import Unlock
from enforcer.store.audit import Audit
from enforcer.store.namespaces import SEEN
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time

UNLOCKS, VERSION, IDS = "te:{policies}:unlocks", "te:{policies}:version", "te:{policies}:ids"
"""A change of either, policy or unlock, makes another version; both have their ids out of one count."""

CREDENTIALS = "te:{policies}:credentials"  # by registry, 1 if it asks for them: a change makes a version, too

SETTINGS = "settings"
"""The origin of policies that the configuration file declares: each start makes them again what it says."""

REMEMBERED = 86400
"""Seconds for which it is known what a policy was before a change: so late may an event come that it protected from."""

FORMER = 10_000
"""How many of these are known at most."""


class PolicyStore:
    """All policies. `current` is what judges; the rest is for whoever manages them."""

    _POLICIES = "te:{policies}"
    _FORMER = "te:{policies}:former"

    def __init__(
        self, redis: Redis, *, per_namespace: int = POLICIES_PER_NAMESPACE, clock: Callable[[], Time] = Time.now
    ) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._per_namespace = per_namespace
        self._clock = clock
        self._set = PolicySet((), version=-1)
        self._audit = Audit(redis)
        self._baselines = WorkQueue(redis, Task.BASELINE)
        self._queues = Queues(redis)

    def current(self) -> PolicySet:
        """The policies as they are now: one small read, and the whole set only when it has a new version."""
        version = int(self._redis.get(VERSION) or 0)
        if version != self._set.version:
            loaded = self._load()
            self._set = loaded  # whatever another thread puts there, this one returns what it has read
            return loaded
        return self._set

    def _load(self) -> PolicySet:
        with self._redis.pipeline() as pipe:
            pipe.get(VERSION)
            pipe.hvals(self._POLICIES)
            pipe.hvals(UNLOCKS)
            pipe.zrange(self._FORMER, 0, -1)
            pipe.hgetall(CREDENTIALS)
            version, policies, unlocks, former, credentials = pipe.execute()
        return PolicySet(
            map(json.loads, policies),
            int(version or 0),
            unlocks=(Unlock.from_dict(json.loads(unlock)) for unlock in unlocks),
            former=map(json.loads, former),
            asking=(registry.decode() for registry, asks in credentials.items() if asks == b"1"),
        )

    def create(self, draft: Policy, by: str) -> Policy:
        """Add a policy; its id, revision and time are given here. Raises `PolicyConflict`."""

        def change(stored: PolicySet, new_id: int) -> Difference:
            policy = replace(draft, id=new_id, revision=1, effective_since=self._clock())
            beside = stored.of_namespace(policy.registry, policy.namespace)
            check_addition(policy, beside, self._per_namespace)
            return Difference(created=(policy,))

        (policy,) = self._transaction(change, by).created
        return policy

    def change(self, policy_id: int, edit: Callable[[Policy], Policy], by: str) -> Policy:
        """Make a policy what `edit` makes of it, which may be called several times and may raise.

        Its id, registry and namespace stay. Raises `NotFound` or `PolicyConflict`.
        """

        def change(stored: PolicySet, _: int) -> Difference:
            before = stored.get(policy_id)
            after = succeed(before, edit(before), self._clock())
            if after == before:
                return Difference()
            check_distinct(after, stored.of_namespace(after.registry, after.namespace))
            return Difference(changed=((before, after),))

        changed = self._transaction(change, by).changed
        return changed[0][1] if changed else self.current().get(policy_id)

    def delete(self, policy_id: int, by: str, *, check: Callable[[Policy], None] = lambda _: None) -> None:
        """Remove a policy, if `check` does not raise. Raises `NotFound`."""

        def change(stored: PolicySet, _: int) -> Difference:
            policy = stored.get(policy_id)
            check(policy)
            return Difference(removed=(policy,))

        self._transaction(change, by)

    def apply_settings(self, declared: Sequence[PolicySettings]) -> Difference:
        """Make the policies that belong to the configuration file those that it declares now.

        A policy with the same selectors that somebody else made belongs to the file from then on; others stay as they
        are.
        """
        drafts = [draft(wanted, origin=SETTINGS) for wanted in declared]
        rights = Rights(own=lambda policy: policy.origin == SETTINGS, repurpose=True, remove=True)
        places = {(wanted.registry, wanted.namespace) for wanted in drafts}

        def change(stored: PolicySet, new_id: int) -> Difference:
            concerned = {policy.id: policy for place in places for policy in stored.of_namespace(*place)}
            concerned |= {policy.id: policy for policy in stored.of_origin(SETTINGS)}
            return compare(
                (concerned[each] for each in sorted(concerned)), drafts, rights, next_id=new_id, now=self._clock()
            )

        return self._transaction(change, SETTINGS)

    def apply(
        self,
        declared: Sequence[Policy],
        by: str,
        *,
        spared: Iterable[Policy] = (),
        prune: bool = False,
        dry_run: bool = False,
    ) -> Difference:
        """Make the stored policies those that are declared, and with `prune` no others.

        Without `prune`, a policy that is not declared stays, except that it becomes the declared one where its
        namespace may have a single policy. Stored ones that select the same as a `spared` one, which somebody else
        declares, stay in any case. `dry_run` only tells what would be done. Raises `PolicyConflict`.
        """
        check_declared(declared)
        untouchable = {policy.scope for policy in spared}
        rights = Rights(
            own=lambda policy: policy.scope not in untouchable,
            repurpose=prune or self._per_namespace == 1,
            remove=prune,
        )

        def change(stored: PolicySet, new_id: int) -> Difference:
            difference = compare(stored, declared, rights, next_id=new_id, now=self._clock())
            check_room(stored, difference, self._per_namespace)
            return difference

        if dry_run:
            return change(*self._stored(self._redis))
        return self._transaction(change, by)

    def put_back(self, policy: Policy) -> bool:
        """Add an exported policy as it was, with its id; false where that id is taken, or one there says the same."""

        def change(stored: PolicySet, _: int) -> Difference:
            scopes = {other.scope for other in stored.of_namespace(policy.registry, policy.namespace)}
            is_there = policy.id in stored or policy.scope in scopes
            return Difference() if is_there else Difference(created=(policy,))

        return bool(self._transaction(change, "import").created)

    def _transaction(self, change: Callable[[PolicySet, int], Difference], by: str) -> Difference:
        """Make a change on the stored policies, again if somebody else was quicker, and set off what follows."""

        def attempt(pipe: Pipeline) -> Difference:
            stored, new_id = self._stored(pipe)
            difference = change(stored, new_id)
            pipe.multi()
            if difference.created:  # an imported one has an id of its own, which may be an old one
                pipe.set(IDS, max(new_id - 1, difference.created[-1].id))
            self._write(pipe, difference, by)
            return difference

        difference: Difference = self._redis.transaction(
            attempt, self._POLICIES, VERSION, IDS, value_from_callable=True
        )
        self._baseline(difference)
        return difference

    def _stored(self, reading: Any) -> tuple[PolicySet, int]:
        """The policies, and the next id that is free."""
        stored = PolicySet(map(json.loads, reading.hvals(self._POLICIES)))
        return stored, max(stored.highest_id, int(reading.get(IDS) or 0)) + 1

    def _write(self, pipe: Pipeline, difference: Difference, by: str) -> None:
        for policy in (*difference.created, *(after for _, after in difference.changed)):
            pipe.hset(self._POLICIES, str(policy.id), json.dumps(policy.as_dict()))
        for policy in difference.removed:
            pipe.hdel(self._POLICIES, str(policy.id))
        for policy in difference.created:
            pipe.sadd(SEEN + policy.registry, policy.namespace)
        self._remember(pipe, [*(before for before, _ in difference.changed), *difference.removed])
        if difference != Difference():
            pipe.incr(VERSION)
        for policy in difference.created:
            self._audit.add("policy created", by, after=policy.as_dict(), pipe=pipe)
        for before, after in difference.changed:
            self._audit.add("policy changed", by, before=before.as_dict(), after=after.as_dict(), pipe=pipe)
        for policy in difference.removed:
            self._audit.add("policy deleted", by, before=policy.as_dict(), pipe=pipe)

    def _remember(self, pipe: Pipeline, former: Iterable[Policy]) -> None:
        """What was in force until now judges what happened until now, whenever that becomes known."""
        now = self._clock()
        seconds = now.nanoseconds // 10**9
        members = {json.dumps(Former(policy, now).as_dict()): seconds for policy in former}
        if members:
            pipe.zadd(self._FORMER, members)
            pipe.zremrangebyscore(self._FORMER, "-inf", seconds - REMEMBERED)
            pipe.zremrangebyrank(self._FORMER, 0, -FORMER - 1)

    def _baseline(self, difference: Difference) -> None:
        """Have the tags recorded that a policy begins to protect."""
        begun = [policy for policy in difference.created if not policy.disabled]
        begun += [after for before, after in difference.changed if after.effective_since != before.effective_since]
        if begun:
            self._baselines.add({(f"{policy.registry}/{policy.namespace}", "") for policy in begun})
            self._queues.wake(Task.BASELINE)
