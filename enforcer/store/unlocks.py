"""Unlocks in Redis: beside the policies, under their version and out of their ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from redis import Redis
from redis.client import Pipeline

from enforcer.errors import NotFound
from enforcer.policies.unlock import Unlock
from enforcer.store.audit import Audit
from enforcer.store.policies import IDS, UNLOCKS, VERSION, PolicyStore
from enforcer.times import Time

FORGOTTEN = 30 * 86400
"""Seconds after its end for which an unlock is kept: events of that time may still be judged."""


class Unlocks:
    """Makes and ends unlocks; `PolicySet` tells which there are, since they judge together with the policies."""

    def __init__(
        self, redis: Redis, policies: PolicyStore, audit: Audit, *, clock: Callable[[], Time] = Time.now
    ) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._policies = policies
        self._audit = audit
        self._clock = clock

    def unlock(self, wanted: Unlock) -> Unlock:
        """Let tags be moved for a while; its id is given here."""
        unlock = replace(wanted, id=int(self._redis.incr(IDS)))
        forgotten = [old for old in self._policies.current().unlocks if old.ends.plus(FORGOTTEN) < unlock.begins]
        with self._redis.pipeline() as pipe:
            for old in forgotten:
                pipe.hdel(UNLOCKS, str(old.id))
            pipe.hset(UNLOCKS, str(unlock.id), json.dumps(unlock.as_dict()))
            pipe.incr(VERSION)
            self._audit.add("unlocked", unlock.by, reason=unlock.reason, after=unlock.as_dict(), pipe=pipe)
            pipe.execute()
        return unlock

    def lock(self, unlock_id: int, by: str, reason: str = "") -> Unlock:
        """End an unlock early. Raises `NotFound`."""
        before = next((unlock for unlock in self._policies.current().unlocks if unlock.id == unlock_id), None)
        if before is None:
            raise NotFound(f"there is no unlock {unlock_id}", "unlock")
        after = before.ended(self._clock())
        with self._redis.pipeline() as pipe:
            pipe.hset(UNLOCKS, str(after.id), json.dumps(after.as_dict()))
            pipe.incr(VERSION)
            self._audit.add("locked", by, reason=reason, before=before.as_dict(), after=after.as_dict(), pipe=pipe)
            pipe.execute()
        return after

    def put_back(self, unlock: Unlock) -> bool:
        """Add an exported unlock as it was, with its id; false where that id is taken."""

        def attempt(pipe: Pipeline) -> bool:
            reading: Any = pipe
            is_there = bool(reading.hexists(UNLOCKS, str(unlock.id)))
            last_id = int(reading.get(IDS) or 0)
            pipe.multi()
            if not is_there:
                pipe.hset(UNLOCKS, str(unlock.id), json.dumps(unlock.as_dict()))
                pipe.set(IDS, max(last_id, unlock.id))
                pipe.incr(VERSION)
            return not is_there

        return bool(self._redis.transaction(attempt, UNLOCKS, IDS, value_from_callable=True))
