"""A clock that stands still until it is told to go, and a Redis that goes by it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis

from enforcer.times import Time


class Clock:
    """Takes the place of the module `time` in a module under test; in whole milliseconds, so that sums are exact."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.milliseconds = round(now * 1000)

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self.milliseconds / 1000

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return self.milliseconds * 1_000_000

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.milliseconds += round(seconds * 1000)

    def read(self) -> Time:
        """The time as our own functions take it."""
        return Time.from_nanoseconds(self.time_ns())


class RedisClock:
    """The clock of the scripts that are registered with a client; a test may set another one than the real one."""

    def __init__(self, redis: Redis, clock: Any = time) -> None:
        self.clock = clock
        client: Any = redis
        register = redis.register_script
        client.register_script = lambda text: _Timed(register(_with_time_given(text)), self)

    def read(self) -> Time:
        """The time as our own functions take it."""
        return Time.from_nanoseconds(self.clock.time_ns())

    @contextmanager
    def standing_at(self, time: Time) -> Iterator[None]:
        """For a while it is that time, which for a stream must be no earlier than its latest entry."""
        before, self.clock = self.clock, Clock(time.nanoseconds / 10**9)
        yield
        self.clock = before


class _Timed:
    """A script that is given the time, since the one of a real Redis cannot be set."""

    def __init__(self, script: Any, redis_clock: RedisClock) -> None:
        self._script, self._redis_clock = script, redis_clock

    def __call__(self, keys: Any = (), args: Any = (), client: Any = None) -> Any:
        seconds, nanoseconds = divmod(self._redis_clock.clock.time_ns(), 10**9)
        return self._script(keys=keys, args=[*args, nanoseconds // 1000, seconds], client=client)


def _with_time_given(text: str) -> str:
    given = "{table.remove(ARGV), table.remove(ARGV)}"
    if "redis.call('TIME')" in text:
        # What is added to a stream stands at the given time too, which must not go back.
        stands = "string.format('%.0f-*', milliseconds)"
        return text.replace("redis.call('TIME')", given).replace("'*'", stands)
    return f"local _ = {given}\n{text}"
