from __future__ import annotations

import threading
import time

import pytest

from enforcer.store.limits import LEASE
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import ClaimLost, WorkQueue
from tests.fakes.clock import Clock
from worker.dispatch import THREADS, dispatch


@pytest.fixture
def queue(redis):
    return WorkQueue(redis, Task.RESTORE)


def keys(count: int):
    return [(f"key {number:03}", "") for number in range(count)]


def test_everything_that_is_due_is_done(queue):
    """One job does all keys, and says how many."""
    queue.add(keys(100))
    done = []

    def step(claim):
        done.append(claim.key)
        queue.done(claim)

    assert dispatch(queue, step) == 100
    assert sorted(done) == [key for key, _ in keys(100)]
    assert len(queue) == 0


def test_nothing_to_do(queue):
    """Without anything due there is nothing to wait for."""
    queue.add(keys(1))
    (claim,) = queue.claim(1)
    queue.again(claim, "", 300)
    assert dispatch(queue, pytest.fail) == 0


def test_keys_are_attended_side_by_side(queue):
    """As many keys as there are threads wait for the network at the same time, and no more are claimed."""
    queue.add(keys(THREADS + 1))
    gate = threading.Barrier(THREADS, timeout=10)
    claimed = []

    def step(claim):
        if claim.key != f"key {THREADS:03}":
            gate.wait()
            claimed.append(len(queue._redis.zrange(queue._claimed, 0, -1)))
        queue.done(claim)

    assert dispatch(queue, step) == THREADS + 1
    assert max(claimed) <= THREADS


def test_no_more_is_claimed_than_there_are_threads_left(queue):
    """What is claimed while others are busy waits for no thread: another worker could have it meanwhile."""
    queue.add(keys(1))
    release = threading.Event()
    claimed = []

    def step(claim):
        if claim.key == "key 000":
            queue.add((f"more {number}", "") for number in range(2 * THREADS))
            time.sleep(0.2)
            claimed.append(queue._redis.zcard(queue._claimed))
            release.set()
        assert release.wait(10)
        queue.done(claim)

    dispatch(queue, step)
    assert claimed == [THREADS]


def test_what_falls_due_meanwhile_is_done_too(queue):
    """A step that asks for more finds it done by the same job."""
    queue.add(keys(1))
    done = []

    def step(claim):
        done.append(claim.key)
        if len(done) == 1:
            queue.add([("more", "")])
        queue.done(claim)

    assert dispatch(queue, step) == 2
    assert done == ["key 000", "more"]


def test_a_slow_key_does_not_hold_up_others(queue):
    """While one key waits for its registry, those that fall due are attended."""
    queue.add(keys(1))
    others = threading.Event()

    def step(claim):
        if claim.key == "key 000":
            queue.add([("other", "")])
            assert others.wait(10)
        else:
            others.set()
        queue.done(claim)

    assert dispatch(queue, step) == 2


def test_a_step_that_fails(queue, caplog):
    """A step that fails unexpectedly is logged, comes again later with the same checkpoint, and hinders no other."""
    queue.add([("bad", "checkpoint"), ("good", "")])
    done = []

    def step(claim):
        if claim.key == "bad":
            raise RuntimeError("oops")
        done.append(claim.key)
        queue.done(claim)

    assert dispatch(queue, step) == 2
    assert done == ["good"]
    assert "restore bad failed" in caplog.text
    assert not queue.is_due()
    assert queue._redis.hget(queue._checkpoints, "bad") == b"checkpoint"


def test_a_hanging_registry_ends_with_the_budget(queue):
    """When the time is up no more is claimed, and the job ends with the last step that had begun."""
    queue.add(keys(3 * THREADS))

    def step(claim):
        time.sleep(0.1)
        queue.done(claim)

    assert dispatch(queue, step, budget=0.05) == THREADS
    assert len(queue) == 2 * THREADS
    assert queue.is_due()


class Leaving(WorkQueue):
    """A queue whose Redis is gone after the first claim."""

    def claim(self, limit, *, owner=""):
        if self.claimed:
            raise ConnectionError("gone")
        self.claimed = True
        return super().claim(limit, owner=owner)

    claimed = False


def test_redis_away_in_the_middle(redis):
    """A job that loses Redis fails when the steps that had begun are over; nothing is left running."""
    queue = Leaving(redis, Task.RESTORE)
    queue.add(keys(1))
    over = []

    def step(_):
        time.sleep(0.05)
        over.append(1)

    with pytest.raises(ConnectionError):
        dispatch(queue, step)
    assert over == [1]


def test_a_long_step_keeps_its_key(redis, queue):
    """While a step goes on its claim is renewed, so that no other worker begins the same."""
    redis.clock.clock = clock = Clock()
    queue.add(keys(1))
    others = []

    def step(claim):
        for _ in range(3):
            clock.advance(LEASE - 1)
            time.sleep(0.2)
            others.extend(WorkQueue(redis, Task.RESTORE).claim(1))
        assert queue.done(claim)

    assert dispatch(queue, step, renew=0.01) == 1
    assert others == []
    assert len(queue) == 0


def test_a_step_that_lost_its_key(queue, caplog):
    """A step that learns that another worker has its key leaves it to that one."""
    queue.add(keys(1))

    def step(claim):
        raise ClaimLost("too late")

    assert dispatch(queue, step) == 1
    assert "restore key 000 is left to another worker: too late" in caplog.text
    assert queue.is_busy(0)
