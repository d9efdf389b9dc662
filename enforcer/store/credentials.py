"""Registries that ask for credentials: kept beside the policies and under their version, since these judge by it."""

from __future__ import annotations

from typing import Any

from redis import Redis

from enforcer.names import RegistryName
from enforcer.store.policies import CREDENTIALS, VERSION


class Credentials:
    """Notes which registries ask for credentials; `PolicySet` tells it to those who judge."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes

    def note(self, registry: RegistryName, *, asks: bool) -> None:
        """The registry asks for credentials by now, or does not."""
        if self._redis.hget(CREDENTIALS, registry) == str(int(asks)).encode():
            return
        with self._redis.pipeline() as pipe:
            pipe.hset(CREDENTIALS, registry, int(asks))
            pipe.incr(VERSION)
            pipe.execute()

    def knows(self, registry: RegistryName) -> bool:
        """True if it is known whether a registry asks for credentials."""
        return bool(self._redis.hexists(CREDENTIALS, registry))
