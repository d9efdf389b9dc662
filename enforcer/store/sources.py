"""Sources: the processes that tell of a registry's events, and what their clocks are apart from Redis's.

A source is whatever a notification calls itself, so the bearer of a token may invent any number: a few are kept, and
the clock of one that is new or unknown decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from redis import Redis

from enforcer.names import RegistryName
from enforcer.store.lua import script
from enforcer.times import Time

KEPT = 64
"""Sources that are known of a registry at most; beyond that the one goes that was not heard of for the longest."""

CLOSE = 2.0
"""Seconds within which two measures of a clock agree, and by which a delay is still the usual one."""

CLOCK_SECONDS = 2 * 3600
"""For which a registry's answer says something of its clock: a sweep asks it every hour."""


def sources_key(registry: RegistryName) -> str:
    """The key of a registry's sources, which stand beside the log: one script writes both."""
    return f"te:{{log}}:sources:{registry}"


def clock_key(registry: RegistryName) -> str:
    """The key of what a registry's clock is behind Redis's, as its answers tell."""
    return f"te:{{log}}:clock:{registry}"


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of one source.

    `first` and `heard` are when its first and its latest event arrived, `usual` the latest that came with its usual
    delay, None if none did. `skew` is in seconds what its clock is behind Redis's: its least delay within the last
    hour.
    """

    first: Time
    heard: Time
    usual: Time | None
    skew: float

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Read what `log_append.lua` wrote."""
        first, heard, usual, _, least, before, *_ = map(int, text.split())
        return cls(_time(first), _time(heard), _time(usual) if usual else None, min(least, before) / 1e6)

    def is_known(self, clock: float | None) -> bool:
        """True if its times say something, since its registry's own answers show about the same clock."""
        return clock is not None and abs(self.skew - clock) <= CLOSE


class Sources:
    """The sources of every registry, and the clocks that the registries' own answers show."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._note_clock = script(redis, "sources_note_clock")

    def of(self, registry: RegistryName) -> dict[str, Source]:
        """The sources of a registry by name."""
        found = self._redis.hgetall(sources_key(registry))
        return {name.decode(): Source.read(text) for name, text in found.items()}

    def note_clock(self, registry: RegistryName, shown: Time) -> None:
        """The registry's clock shows that time now."""
        self._note_clock(keys=[clock_key(registry)], args=[shown.nanoseconds // 1000, CLOCK_SECONDS])

    def clock(self, registry: RegistryName) -> float | None:
        """The seconds by which a registry's clock is behind Redis's; None if it has not answered lately."""
        found = self._redis.get(clock_key(registry))
        return None if found is None else int(found) / 1e6


def _time(microseconds: int) -> Time:
    return Time.from_nanoseconds(microseconds * 1000)
