"""Heartbeats: which workers run, as far as they said so a moment ago."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis, RedisError

from enforcer.store.wakeups import Task

logger = logging.getLogger(__name__)

BEAT = 2
"""Seconds between two heartbeats of a worker."""

SILENCE = 10
"""Seconds after which a worker that says nothing counts as dead."""

NEEDED = (Task.DRAIN, Task.KEEP)
"""Without these, what is pushed is neither recorded nor kept."""


def _key(task: Task) -> str:
    return f"te:alive:{task.value}"


class Heartbeats:
    """Notes that workers of a task run, and tells of which task none does."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def beat(self, task: Task) -> None:
        """A worker of this task runs."""
        self._redis.set(_key(task), 1, ex=SILENCE)

    def forget(self) -> None:
        """Forget what workers said before these are started; those of other hosts say it again in a moment."""
        self._redis.delete(*map(_key, NEEDED))

    def missing(self) -> list[Task]:
        """The tasks of which no worker runs."""
        found = self._redis.mget(map(_key, NEEDED))
        return [task for task, value in zip(NEEDED, found, strict=True) if value is None]

    @contextmanager
    def beating(self, task: Task, *, seconds: float = BEAT) -> Iterator[None]:
        """Say that a worker of this task runs, for the length of the context, whatever time its jobs take."""
        over = threading.Event()

        def beat() -> None:
            while not over.is_set():
                try:
                    self.beat(task)
                except RedisError as error:  # whoever asks whether this worker runs finds Redis away as well
                    logger.debug("no heartbeat: %s", error)
                over.wait(seconds)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
