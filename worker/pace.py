"""A pace: so many requests a second and no more, however many threads send them."""

from __future__ import annotations

import threading
import time


class Pace:
    """Spreads requests evenly over time; `rate` is requests a second."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate
        self._next = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait for one's turn."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._gap
        time.sleep(max(0, turn - time.monotonic()))
