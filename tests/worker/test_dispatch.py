from __future__ import annotations

import threading
import time

import pytest

from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from worker import dispatch as attend_module
from worker.dispatch import THREADS, attend


@pytest.fixture
def agenda(redis):
    return WorkQueue(redis, Task.RESTORE)


def items(count: int):
    return [(f"item {number:03}", "") for number in range(count)]


def test_everything_that_is_due_is_done(agenda):
    """One job does all items, and says how many."""
    agenda.add(items(100))
    done = []

    def step(claim):
        done.append(claim.item)
        agenda.done(claim.item)

    assert attend(agenda, step) == 100
    assert sorted(done) == [item for item, _ in items(100)]
    assert len(agenda) == 0


def test_nothing_to_do(agenda):
    """Without anything due there is nothing to wait for."""
    agenda.add(items(1))
    agenda.claim(1)
    agenda.again("item 000", "", 300)
    assert attend(agenda, pytest.fail) == 0


def test_items_are_attended_side_by_side(agenda):
    """As many items as there are threads wait for the network at the same time, and no more are claimed."""
    agenda.add(items(THREADS + 1))
    gate = threading.Barrier(THREADS, timeout=10)
    claimed = []

    def step(claim):
        if claim.item != f"item {THREADS:03}":
            gate.wait()
            claimed.append(len(agenda._redis.zrange(agenda._claimed, 0, -1)))
        agenda.done(claim.item)

    assert attend(agenda, step) == THREADS + 1
    assert max(claimed) <= THREADS


def test_no_more_is_claimed_than_there_are_threads_left(agenda):
    """What is claimed while others are busy waits for no thread: another worker could have it meanwhile."""
    agenda.add(items(1))
    release = threading.Event()
    claimed = []

    def step(claim):
        if claim.item == "item 000":
            agenda.add((f"more {number}", "") for number in range(2 * THREADS))
            time.sleep(0.2)
            claimed.append(agenda._redis.zcard(agenda._claimed))
            release.set()
        assert release.wait(10)
        agenda.done(claim.item)

    attend(agenda, step)
    assert claimed == [THREADS]


def test_what_falls_due_meanwhile_is_done_too(agenda):
    """A step that asks for more finds it done by the same job."""
    agenda.add(items(1))
    done = []

    def step(claim):
        done.append(claim.item)
        if len(done) == 1:
            agenda.add([("more", "")])
        agenda.done(claim.item)

    assert attend(agenda, step) == 2
    assert done == ["item 000", "more"]


def test_a_slow_item_does_not_hold_up_others(agenda):
    """While one item waits for its registry, those that fall due are attended."""
    agenda.add(items(1))
    others = threading.Event()

    def step(claim):
        if claim.item == "item 000":
            agenda.add([("other", "")])
            assert others.wait(10)
        else:
            others.set()
        agenda.done(claim.item)

    assert attend(agenda, step) == 2


def test_a_step_that_fails(agenda, caplog):
    """A step that fails unexpectedly is logged, comes again later with the same notes, and hinders no other."""
    agenda.add([("bad", "notes"), ("good", "")])
    done = []

    def step(claim):
        if claim.item == "bad":
            raise RuntimeError("oops")
        done.append(claim.item)
        agenda.done(claim.item)

    assert attend(agenda, step) == 2
    assert done == ["good"]
    assert "restore bad failed" in caplog.text
    assert not agenda.is_due()
    assert agenda._redis.hget(agenda._notes, "bad") == b"notes"


def test_a_hanging_registry_ends_with_the_budget(agenda, monkeypatch):
    """When the time is up no more is claimed, and the job ends with the last step that had begun."""
    monkeypatch.setattr(attend_module, "BUDGET", 0.05)
    agenda.add(items(3 * THREADS))

    def step(claim):
        time.sleep(0.1)
        agenda.done(claim.item)

    assert attend(agenda, step) == THREADS
    assert len(agenda) == 2 * THREADS
    assert agenda.is_due()


def test_redis_away_in_the_middle(agenda, monkeypatch):
    """A job that loses Redis fails when the steps that had begun are over; nothing is left running."""
    agenda.add(items(1))
    over = []
    claim = agenda.claim

    def claim_once(limit, *, owner):
        monkeypatch.setattr(agenda, "claim", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("gone")))
        return claim(limit, owner=owner)

    def step(_):
        time.sleep(0.05)
        over.append(1)

    monkeypatch.setattr(agenda, "claim", claim_once)
    with pytest.raises(ConnectionError):
        attend(agenda, step)
    assert over == [1]
