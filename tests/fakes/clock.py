"""A clock that stands still until it is told to go."""

from __future__ import annotations


class Clock:
    """Takes the place of the module `time` in a module under test."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def time(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return round(self.now * 1_000_000_000)

    def monotonic(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
