"""Beginnings: what a tag was when its protection began, because a policy came into force or an unlock ended.

Until then its record followed the events, and events have holes; so the registry may hold something else, and has done
so all along. That is no drift: a tag is protected as it stands. It counts as a move just before the protection began,
unless an event came since, or a baseline or sweep has looked at it since. Nor does it count where the history says that
the tag was protected before that policy: Redis was lost, and a replay has brought the history back, not the policies.
"""

from __future__ import annotations

from typing import Any

from enforcer.times import Time
from worker.context import Context
from worker.survey import Look

KEY = "te:baselined"
"""When the last survey began that looked at all of a place, by `registry/namespace` or `registry`."""


class Beginnings:
    """Those of all tags, by the policies and surveys that there are now."""

    def __init__(self, context: Context) -> None:
        self._ledger = context.ledger
        self._policies = context.policies.current()
        self._redis: Any = context.redis
        self.baselined = self._read()

    def before(self, look: Look) -> Time | None:
        """The time just before the tag began to be protected, if what it is now counts as what it was then."""
        name = look.name
        since = self._policies.protected_since(*name.parts, look.time)
        surveyed = (
            self.baselined.get(place, "") for place in (name.registry, f"{name.registry}/{name.repository.namespace}")
        )
        if since is None or look.standing.last[0] >= since or max(surveyed) >= since:
            return None
        history = self._ledger.history(name)
        was_unlocked = any(unlock.ends == since for unlock in self._policies.unlocks)
        return None if history and history[-1].protection and not was_unlocked else since.plus(-1e-9)

    def note(self, place: str, began: Time) -> bool:
        """A survey that began then has looked at all tags of a place; false if a later one is known."""
        if self.baselined.get(place, "") >= began:
            return False
        self._redis.hset(KEY, place, began)
        return True

    def _read(self) -> dict[str, str]:
        return {place.decode(): began.decode() for place, began in self._redis.hgetall(KEY).items()}
