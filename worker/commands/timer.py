"""The timer: wakes workers for what is due, and for what a lost wake-up left behind."""

from __future__ import annotations

import logging
import time
from typing import Any

from redis import Redis, RedisError

from enforcer.settings.settings import Settings
from enforcer.store.stores import Stores
from enforcer.store.wakeups import Task
from enforcer.times import Time
from worker.scanning.children import ChildrenTimes

logger = logging.getLogger(__name__)

SLOW = 10
"""Seconds between two drains that nobody asked for."""

SCHEDULED = "te:sweep:scheduled"
"""There while no sweep is due; so one comes every `sweep_interval`, whatever the number of supervisors."""

LOCKED = "te:sweep:locked"
"""The time until which the ends of unlocks were seen to."""

TRIM = 60
"""Seconds between two looks at the length of the archive."""


class Timer:
    """Called several times a second by whoever supervises workers; any number of them may run."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._settings = settings
        self._redis = redis
        self._stores = Stores.open(settings, redis)
        self._drain_due = self._trim_due = 0.0
        self._away = False

    def begin(self) -> None:
        """What happens at every start: a sweep, since nobody knows what was missed."""
        self._redis.set(SCHEDULED, 1, ex=self._settings.sweep_interval)
        for registry in self._settings.registries:
            ChildrenTimes(self._redis).forget(registry)
        self._sweep()

    def _sweep(self) -> None:
        self._stores.sweeps.add((registry, "") for registry in self._settings.registries)

    def tick(self) -> None:
        """Wake whoever has something to do."""
        try:
            self._wake()
        except RedisError as error:
            if not self._away:
                logger.warning("Redis does not answer, trying on: %s", error)
            self._away = True
        else:
            self._away = False

    def _wake(self) -> None:
        now = time.monotonic()
        if now >= self._trim_due:  # first: a Redis that is full takes no other write
            self._trim_due = now + TRIM
            self._stores.log.trim(
                days=self._settings.archive_days,
                events=self._settings.archive_events,
                size=self._settings.archive_bytes,
            )
        if self._redis.set(SCHEDULED, 1, nx=True, ex=self._settings.sweep_interval):
            self._sweep()
        self._stores.sweep_requests.start_due()
        for queue in self._stores.work:
            if queue.is_due():
                self._stores.wakeups.wake(queue.task)
        if now >= self._drain_due:
            self._drain_due = now + SLOW
            self._stores.wakeups.wake(Task.DRAIN)
            self._sweep_locked()

    def _sweep_locked(self) -> None:
        """What tags are when an unlock ends becomes their record, and is kept, even if nobody told us what that is."""
        now = Time.now()
        until: Any = self._redis.set(LOCKED, now, get=True)
        since = Time(until.decode()) if until else now
        ended = [unlock for unlock in self._stores.policies.current().unlocks if since < unlock.ends <= now]
        if ended:
            self._stores.sweeps.add({(unlock.place, "") for unlock in ended})
