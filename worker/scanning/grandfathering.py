"""Beginnings: what a tag was when its protection began, because a policy came into force or an unlock ended.

Until then its record followed the events, and events have holes; so the registry may hold something else, and has done
so all along. That is no drift: a tag is protected as it stands. It counts as a move just before the protection began,
unless an event came since, or a baseline or sweep has looked at it since. Nor does it count where a replay has judged
the tag as if the policy had always been in force: Redis was lost, and the policy is new only since then.
"""

from __future__ import annotations

from typing import Any

from enforcer.names import TagName
from enforcer.times import Time
from worker.context import Context
from worker.scanning.scan import Observation

KEY = "te:surveyed"
"""When the last survey began that looked at all of a repository, by `registry/repository`."""


class Grandfathering:
    """Those of all tags, by the policies and surveys that there are now."""

    def __init__(self, context: Context) -> None:
        self._ledger = context.ledger
        self._policies = context.policies.current()
        self._redis: Any = context.redis
        self.surveyed = self._read()

    def before(self, observation: Observation) -> Time | None:
        """The time just before the tag began to be protected, if what it is now counts as what it was then."""
        name = observation.name
        since = self._policies.protected_since(*name.parts, observation.time)
        if since is None or observation.state.last[0] >= since or self.surveyed.get("/".join(name.place), "") >= since:
            return None
        was_unlocked = any(unlock.ends == since for unlock in self._policies.unlocks)
        return None if self._was_replayed(name) and not was_unlocked else since.plus(-1e-9)

    def _was_replayed(self, name: TagName) -> bool:
        """Whether a policy had judged the tag before it was in force, as only a replay does."""
        history = self._ledger.history(name)
        if not history or history[-1].protection is None:
            return False
        then = history[-1].event.time
        protection = self._policies.protection(*name.parts, then)
        return protection is None and not self._policies.was_changed(name.registry, name.repository.namespace, then)

    def note(self, place: str, began: Time) -> bool:
        """A survey that began then has looked at all tags of a repository; false if a later one is known."""
        if self.surveyed.get(place, "") >= began:
            return False
        self._redis.hset(KEY, place, began)
        return True

    def _read(self) -> dict[str, str]:
        return {place.decode(): began.decode() for place, began in self._redis.hgetall(KEY).items()}
