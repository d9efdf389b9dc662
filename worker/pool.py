"""Pools: requests to registries off the threads that judge, a few at a time for each, the urgent ones first."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum

from enforcer.names import RegistryName, Repository

logger = logging.getLogger(__name__)

THREADS = 8
"""Steps that are under way to one registry at a time, in one process."""

WAITING = 10_000
"""Steps that wait for one registry, in one process; the work queues hold whatever is beyond."""

Step = Callable[[], None]


class Precedence(IntEnum):
    """The order in which steps that wait for one registry are begun."""

    FIRST_ANSWER = 1
    NEW_MANIFEST = 2
    FIGHT = 3
    LOOK = 4
    CHILD = 5
    SWEEP = 6


class RegistryPool:
    """The steps of one registry: by precedence, and within one precedence each repository in turn."""

    def __init__(self, registry: RegistryName, *, threads: int, waiting: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"registry-{registry}")
        self._threads, self._limit = threads, waiting
        self._busy = 0
        self._waiting: dict[Precedence, dict[Repository, deque[Step]]] = {each: {} for each in Precedence}
        self._count = 0
        self._lock = threading.Lock()

    def submit(self, precedence: Precedence, repository: Repository, step: Step) -> bool:
        """Have a step done; returns False, and never does it, where too many wait already."""
        with self._lock:
            if self._count >= self._limit:
                return False
            self._count += 1
            self._waiting[precedence].setdefault(repository, deque()).append(step)
        # One turn for each step, which is whatever is most urgent when the turn comes.
        self._executor.submit(self._take_turn)
        return True

    @property
    def room(self) -> int:
        """How many more steps would be begun at once."""
        with self._lock:
            return max(0, self._threads - self._count - self._busy)

    @property
    def is_busy(self) -> bool:
        """True while a step waits or is under way."""
        with self._lock:
            return bool(self._count or self._busy)

    def close(self) -> None:
        """Begin no more steps; those under way end by themselves."""
        with self._lock:
            self._limit = 0
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _take_turn(self) -> None:
        step = self._next()
        try:
            step()
        except Exception:
            logger.exception("a step failed; the work queue has it done again")
        finally:
            with self._lock:
                self._busy -= 1

    def _next(self) -> Step:
        with self._lock:
            self._count -= 1
            self._busy += 1
            waiting = next(each for each in self._waiting.values() if each)
            repository, steps = next(iter(waiting.items()))
            step = steps.popleft()
            del waiting[repository]
            if steps:
                waiting[repository] = steps  # behind all others
            return step


class RegistryPools:
    """A pool for each registry, so that one that hangs costs the others nothing."""

    def __init__(self, *, threads: int = THREADS, waiting: int = WAITING) -> None:
        self._threads, self._limit = threads, waiting
        self._pools: dict[RegistryName, RegistryPool] = {}
        self._lock = threading.Lock()

    def submit(self, registry: RegistryName, precedence: Precedence, repository: Repository, step: Step) -> bool:
        """Have a step done without waiting for it; returns False, and never does it, where too many wait already.

        A step that raises is logged and not done again.
        """
        return self._of(registry).submit(precedence, repository, step)

    def room(self, registry: RegistryName) -> int:
        """How many more steps of a registry would be begun at once."""
        return self._of(registry).room

    def is_busy(self) -> bool:
        """True while a step waits or is under way."""
        with self._lock:
            return any(pool.is_busy for pool in self._pools.values())

    def close(self) -> None:
        """Begin no more steps; those under way end by themselves."""
        for pool in self._pools.values():
            pool.close()

    def _of(self, registry: RegistryName) -> RegistryPool:
        with self._lock:
            pool = self._pools.get(registry)
            if pool is None:
                pool = RegistryPool(registry, threads=self._threads, waiting=self._limit)
                self._pools[registry] = pool
            return pool
