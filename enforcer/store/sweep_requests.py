"""Requests for sweeps by notifications that were not understood: of each registry at most one a minute.

Whoever has a notification token can send any number of them, and each stands for something that no event told.
"""

from __future__ import annotations

from typing import Any

from redis import Redis

from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue

QUIET = 60
"""Seconds between two such sweeps of a registry."""

_ASKED = "te:sweep:asked"


class SweepRequests:
    """Starts a sweep at once where the last one is long enough ago, else when it is."""

    def __init__(self, redis: Redis, sweeps: WorkQueue, wakeups: Queues) -> None:
        self._redis: Any = redis
        self._sweeps = sweeps
        self._wakeups = wakeups

    def ask(self, registry: str) -> None:
        """Have a registry swept."""
        self._redis.sadd(_ASKED, registry)
        self.start_due()

    def start_due(self) -> None:
        """Start the sweeps that were asked for and may begin; called now and then."""
        for member in self._redis.smembers(_ASKED):
            registry = member.decode()
            if self._redis.set(f"te:sweep:quiet:{registry}", 1, nx=True, ex=QUIET):
                # First: what is asked for from here on may be too late for this sweep.
                self._redis.srem(_ASKED, registry)
                self._sweeps.add([(registry, "")])
                self._wakeups.wake(Task.SWEEP)
