"""Beginnings: what a tag was when a policy began to protect it.

Until then its record followed the events, and events have holes; so the registry may hold something else, and has done
so all along. That is no drift: a tag is protected as it stands. It counts as a move just before the policy was in
force, unless the tag was protected before already, an event came since, or a baseline has looked at it since.
"""

from __future__ import annotations

from typing import Any

from enforcer.times import Time
from worker.context import Context
from worker.survey import Look

KEY = "te:baselined"
"""When the last baseline began that looked at all of a namespace, by `registry/namespace`."""


class Beginnings:
    """Those of all tags, by the policies and baselines that there are now."""

    def __init__(self, context: Context) -> None:
        self._ledger = context.ledger
        self._policies = context.policies.current()
        self._redis: Any = context.redis
        self.baselined = self._read()

    def before(self, look: Look) -> Time | None:
        """The time just before the tag began to be protected, if what it is now counts as what it was then."""
        name = look.name
        policies = self._policies.of_namespace(name.registry, name.repository.namespace)
        since = min(
            (policy.effective_since for policy in policies if not policy.disabled and policy.selects(*name.parts[1:])),
            default=None,
        )
        baselined = self.baselined.get(f"{name.registry}/{name.repository.namespace}", "")
        if since is None or look.standing.last[0] >= since or baselined >= since:
            return None
        history = self._ledger.history(name)
        return None if history and history[-1].protection else since.plus(-1e-9)

    def note(self, place: str, began: Time) -> bool:
        """A baseline that began then has looked at all tags of a namespace; false if a later one is known."""
        if self.baselined.get(place, "") >= began:
            return False
        self._redis.hset(KEY, place, began)
        return True

    def _read(self) -> dict[str, str]:
        return {place.decode(): began.decode() for place, began in self._redis.hgetall(KEY).items()}
