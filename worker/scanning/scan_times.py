"""When the last walk began that looked at all of a repository, by `registry/repository`."""

from __future__ import annotations

from typing import Any

from redis import Redis

from enforcer.times import Time

KEY = "te:surveyed"


class ScanTimes:
    """The times as they are kept in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def read(self) -> dict[str, str]:
        """Read all of them."""
        return {place.decode(): began.decode() for place, began in self._redis.hgetall(KEY).items()}

    def note(self, place: str, began: Time) -> bool:
        """Note a walk that began then and has looked at all tags of a repository; false if a later one is known."""
        if (self._redis.hget(KEY, place) or b"").decode() >= began:
            return False
        self._redis.hset(KEY, place, began)
        return True
