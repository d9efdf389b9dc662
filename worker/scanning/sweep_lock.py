"""One sweep of a registry at a time, over any number of workers and commands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from enforcer.errors import EnforcerError
from enforcer.names import RegistryName
from enforcer.store.limits import SWEEP_LOCK

logger = logging.getLogger(__name__)


class SweepRunning(EnforcerError):
    """Another sweep of the same registry is running."""


@contextmanager
def sweep_lock(
    redis: Redis, registry: RegistryName, *, wait: float = 0, timeout: float = SWEEP_LOCK
) -> Iterator[Callable[[], None]]:
    """Keep others from sweeping the registry; the function that is given raises `SweepRunning` if that failed.

    Waits so many seconds for a sweep that is running. Raises `SweepRunning`.
    """
    # The renewing thread uses the same token, so it must not be a thread's own.
    lock = redis.lock(f"te:sweeping:{registry}", timeout=timeout, thread_local=False)
    if not lock.acquire(blocking=wait > 0, blocking_timeout=wait or None):
        raise SweepRunning(f"{registry} is being swept already: try again when that has ended")
    ended, lost = threading.Event(), threading.Event()
    renewal = threading.Thread(target=_renew, args=(lock, timeout / 4, ended, lost), name="sweep-lock", daemon=True)

    def check() -> None:
        if lost.is_set():
            raise SweepRunning(f"this sweep of {registry} stood still so long that another one has begun")

    try:
        renewal.start()
        yield check
    finally:
        ended.set()
        renewal.join()
        with suppress(LockError):  # it ran out; another sweep may have it
            lock.release()


def _renew(lock: Lock, interval: float, ended: threading.Event, lost: threading.Event) -> None:
    """Keep the lock until the sweep has ended, or the lock is lost."""
    while not ended.wait(interval):
        try:
            lock.reacquire()
        except LockError:
            lost.set()
            return
        except RedisError as error:  # the lock may outlast that
            logger.warning("%s is not renewed: %s", lock.name, error)
