from __future__ import annotations

import threading
import time
from functools import partial

import pytest
from redis.exceptions import ConnectionError as NoConnection
from redis.lock import Lock

from tests.fakes.events import MAIN
from worker.scanning.sweep_lock import SweepRunning, sweep_lock


def test_the_lock_is_free_again(redis):
    """A sweep that waits for one that ends gets its turn; one that does not wait is refused."""
    refused = pytest.raises(SweepRunning, match="main is being swept already")
    with sweep_lock(redis, MAIN), refused, sweep_lock(redis, MAIN):
        pass
    with sweep_lock(redis, MAIN, wait=1):
        pass


def test_a_sweep_that_stood_still(redis):
    """A sweep that lost the lock in between stops, instead of sweeping beside another."""
    with sweep_lock(redis, MAIN, timeout=1) as check:
        check()
        redis.set("te:sweeping:main", "another")
        time.sleep(0.7)
        with pytest.raises(SweepRunning, match="another one has begun"):
            check()
    assert redis.get("te:sweeping:main") == b"another"


def test_a_sweep_that_is_busy_with_something_else(redis):
    """The lock is kept for as long as the sweep goes on, whether or not that asks for it; then nothing is left."""
    with sweep_lock(redis, MAIN, timeout=1) as check:
        time.sleep(1.2)
        with pytest.raises(SweepRunning, match="being swept already"), sweep_lock(redis, MAIN):
            pass
        check()
    assert not redis.exists("te:sweeping:main")
    assert not [thread for thread in threading.enumerate() if thread.name == "sweep-lock"]


def test_a_renewal_that_fails_once(redis):
    """Where Redis does not answer in between the lock is not given up: it is tried again."""
    failures, renewed = [NoConnection("away")], threading.Event()

    class Flaky(Lock):
        def reacquire(self) -> bool:
            if failures:
                raise failures.pop()
            done = super().reacquire()
            renewed.set()
            return done

    redis.lock = partial(redis.lock, lock_class=Flaky)
    with sweep_lock(redis, MAIN, timeout=1) as check:
        assert renewed.wait(5)
        check()
    assert not failures
