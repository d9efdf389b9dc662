from __future__ import annotations

import threading

from redis import ConnectionError as RedisConnectionError

from enforcer.store.heartbeats import SILENCE, Heartbeats
from enforcer.store.wakeups import Task


def test_a_worker_that_says_nothing_more_counts_as_dead(redis):
    """A heartbeat ends by itself, so a killed worker is missed."""
    heartbeats = Heartbeats(redis)
    heartbeats.beat(Task.DRAIN)
    heartbeats.beat(Task.KEEP)
    assert heartbeats.missing() == []
    assert 0 < redis.ttl("te:alive:keep") <= SILENCE


def test_what_was_said_before_a_start_is_forgotten(redis):
    """Workers of a killed installation do not make the next one ready."""
    heartbeats = Heartbeats(redis)
    heartbeats.beat(Task.DRAIN)
    heartbeats.forget()
    assert heartbeats.missing() == [Task.DRAIN, Task.KEEP]


class Recorded(Heartbeats):
    """Fails at first, as while Redis is away."""

    def __init__(self) -> None:
        self.tries = 0
        self.said = threading.Event()

    def beat(self, task: Task) -> None:
        self.tries += 1
        if self.tries == 1:
            raise RedisConnectionError("away")
        assert task is Task.KEEP
        self.said.set()


def test_a_worker_says_that_it_runs():
    """It goes on when Redis was away, and ends with its worker."""
    recorded = Recorded()
    with recorded.beating(Task.KEEP, seconds=0.01):
        assert recorded.said.wait(5)
    tries = recorded.tries
    assert not any(thread.name == "heartbeat" for thread in threading.enumerate())
    assert recorded.tries == tries
