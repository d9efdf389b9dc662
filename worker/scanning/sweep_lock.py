"""One sweep of a registry at a time, over any number of workers and commands."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from enforcer.errors import EnforcerError
from enforcer.names import RegistryName
from enforcer.store.limits import SWEEP_LOCK
from worker.context import Context

logger = logging.getLogger(__name__)


class SweepRunning(EnforcerError):
    """Somebody else sweeps the same registry at the moment."""


@contextmanager
def sweep_lock(context: Context, registry: RegistryName, *, wait: float = 0) -> Iterator[Callable[[], None]]:
    """Keep others from sweeping the registry; the function that is given raises `SweepRunning` if that failed.

    Waits so many seconds for whoever sweeps it already. Raises `SweepRunning`.
    """
    lock = context.redis.lock(f"te:sweeping:{registry}", timeout=SWEEP_LOCK, thread_local=False)
    if not lock.acquire(blocking=wait > 0, blocking_timeout=wait or None):
        raise SweepRunning(f"{registry} is being swept already: try again when that has ended")
    ended, lost = threading.Event(), threading.Event()
    renewal = threading.Thread(target=_renew, args=(lock, ended, lost), name="sole-sweep", daemon=True)

    def check() -> None:
        if lost.is_set():
            raise SweepRunning(f"this sweep of {registry} stood still so long that another one has begun")

    try:
        renewal.start()
        yield check
    finally:
        ended.set()
        renewal.join()
        with suppress(LockError):  # it ran out
            lock.release()


def _renew(lock: Lock, ended: threading.Event, lost: threading.Event) -> None:
    """Keep the lock until the sweep has ended, or the lock is lost."""
    while not ended.wait(SWEEP_LOCK / 4):
        try:
            lock.reacquire()
        except LockError:
            lost.set()
            return
        except RedisError as error:  # the lock may outlast that
            logger.warning("%s is not renewed: %s", lock.name, error)
