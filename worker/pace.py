"""A pace: so many requests a second and no more, however many threads send them."""

from __future__ import annotations

import threading
import time


class Stopped(Exception):
    """Nobody waits for what was about to be asked."""


class Pace:
    """Spreads requests evenly over time; `rate` is requests a second. It holds for one process."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def wait(self) -> None:
        """Wait for one's turn. Raises `Stopped` if that never comes."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        self.sleep(turn - time.monotonic())

    def sleep(self, seconds: float) -> None:
        """Wait so long, unless it is stopped meanwhile. Raises `Stopped`."""
        if self._stopped.wait(max(0, seconds)):
            raise Stopped

    def stop(self) -> None:
        """Let nobody wait any longer, however slow the pace is."""
        self._stopped.set()
