"""A clock that stands still until it is told to go."""

from __future__ import annotations


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

    def advance(self, seconds: float) -> None:
        self.milliseconds += round(seconds * 1000)
