"""Rate limits: so many requests a second and no more, however many threads send them."""

from __future__ import annotations

import threading
import time
from copy import copy


class Stopped(Exception):
    """The scan has ended: the answer to what was about to be asked is of no use."""


class Turns:
    """Moments that are evenly spread over time, each given once; `rate` is moments a second."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def take(self) -> float:
        """The next moment, by the monotonic clock."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        return turn


class RateLimit:
    """Spreads requests evenly over time; `rate` is requests a second. It holds for one process."""

    def __init__(self, rate: float) -> None:
        self._turns = Turns(rate)
        self._stopped = threading.Event()

    def shared(self) -> RateLimit:
        """One more that takes turns with this one, so that both together keep the rate; each is stopped by itself."""
        limit = copy(self)
        limit._stopped = threading.Event()  # noqa: SLF001 - of its own class
        return limit

    def wait(self) -> None:
        """Wait for one's turn. Raises `Stopped` if that never comes."""
        if self._stopped.is_set():  # first: a turn that is taken and not used slows those down who share the limit
            raise Stopped
        self.sleep(self._turns.take() - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait so long, unless it is stopped meanwhile. Raises `Stopped`."""
        if self._stopped.wait(max(0, seconds)):
            raise Stopped

    def stop(self) -> None:
        """End all waiting, however low the rate is."""
        self._stopped.set()
