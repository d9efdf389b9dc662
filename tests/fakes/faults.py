"""A Redis that goes away at a chosen moment."""

from __future__ import annotations

from typing import Any

from fakeredis import FakeServer, FakeStrictRedis
from redis import ConnectionError as RedisAway


class FaultyRedis:
    """Passes everything on to a Redis in memory until so many commands and pipelines are done, then fails each.

    Whoever uses it dies between two commands; what was done before is done.
    """

    def __init__(self, server: FakeServer, commands: int) -> None:
        self.left = commands
        self.redis = _Client(server=server)
        self.redis.faults = self

    @property
    def died(self) -> bool:
        """Whether there was one command too many."""
        return self.left < 0

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise RedisAway("gone")


class _Client(FakeStrictRedis):
    faults: FaultyRedis

    def execute_command(self, *args: Any, **options: Any) -> Any:
        self.faults.count()
        return super().execute_command(*args, **options)

    def pipeline(self, *args: Any, **options: Any) -> Any:
        pipe = super().pipeline(*args, **options)
        execute = pipe.execute

        def counted(*given: Any, **named: Any) -> Any:
            self.faults.count()
            return execute(*given, **named)

        pipe.execute = counted
        return pipe
