"""One sweep of a registry at a time, over any number of workers and commands."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from redis.exceptions import LockError

from enforcer.errors import EnforcerError
from enforcer.names import RegistryName
from worker.context import Context

LOCK = 60
"""Seconds for which a sweep that died keeps others from the same registry."""


class SweepRunning(EnforcerError):
    """Somebody else sweeps the same registry at the moment."""


@contextmanager
def sole_sweep(context: Context, registry: RegistryName, *, wait: float = 0) -> Iterator[Callable[[], None]]:
    """Keep others from sweeping the registry, as long as the function that is given is called now and then.

    Waits so many seconds for whoever sweeps it already. Raises `SweepRunning`.
    """
    lock = context.redis.lock(f"te:sweeping:{registry}", timeout=LOCK, thread_local=False)
    if not lock.acquire(blocking=wait > 0, blocking_timeout=wait or None):
        raise SweepRunning(f"{registry} is being swept already: try again when that has ended")
    renewed = time.monotonic()

    def renew() -> None:
        nonlocal renewed
        if time.monotonic() - renewed < LOCK / 4:
            return
        renewed = time.monotonic()
        try:
            lock.reacquire()
        except LockError as error:
            raise SweepRunning(f"this sweep of {registry} stood still so long that another one has begun") from error

    try:
        yield renew
    finally:
        with suppress(LockError):  # it ran out
            lock.release()
