from __future__ import annotations

import pytest
from fakeredis import FakeServer, FakeStrictRedis

from enforcer.policies.unlock import Unlock
from enforcer.store.log import LOG, Log
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time
from tests.fakes.clock import Clock
from tests.fakes.events import MAIN, digest, push
from tests.fakes.settings import registry_table, settings
from tests.fakes.stores import stores
from worker.commands import timer as timer_module
from worker.commands.timer import SLOW, TRIM, Timer


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def redis(server):
    return FakeStrictRedis(server=server)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(timer_module, "time", clock)
    return clock


@pytest.fixture
def queues(redis):
    return Queues(redis)


@pytest.fixture
def timer(redis, clock):
    return Timer(settings(), redis)


def jobs(queues) -> dict[Task, int]:
    return {task: queues.of(task).count for task in (Task.DRAIN, Task.KEEP, Task.RESTORE, Task.ALERT)}


@pytest.mark.parametrize("task", [Task.KEEP, Task.RESTORE, Task.ALERT])
def test_what_is_due_wakes_its_worker(redis, queues, timer, task):
    """An item that is due wakes one job of its task, however often the timer ticks."""
    timer.tick()
    assert jobs(queues)[task] == 0
    WorkQueue(redis, task).add([("a", "")])
    for _ in range(3):
        timer.tick()
    assert jobs(queues)[task] == 1


def test_what_is_not_due_wakes_nobody(redis, queues, timer):
    """An item that waits for later does not keep a worker busy."""
    work = WorkQueue(redis, Task.RESTORE)
    work.add([("a", "")])
    (claim,) = work.claim(1)
    work.again(claim, "", 300)
    timer.tick()
    assert jobs(queues)[Task.RESTORE] == 0


def test_a_drain_now_and_then(queues, timer, clock):
    """A drain is woken at the start and then every few seconds, whatever became of other wake-ups."""
    woken = 0
    for _ in range(10 * SLOW):
        timer.tick()
        woken += queues.of(Task.DRAIN).count
        queues.of(Task.DRAIN).empty()
        queues.clear_wakeup(Task.DRAIN)
        clock.advance(0.25)
    assert woken == 3


def test_the_archive_is_trimmed(redis, clock):
    """What was judged and is too much goes, once a minute."""
    timer = Timer(settings(archive_events=1), redis)
    log = Log(redis)
    for _ in range(5):
        log.append([push(str(number), digest(number)) for number in range(100)])
    for batch in log.batches("a"):
        log.acknowledge(batch)
    timer.tick()
    left = redis.xlen(LOG)
    assert left < 150
    log.append([push(str(number), digest(number)) for number in range(400)])
    for batch in log.batches("a"):
        log.acknowledge(batch)
    clock.advance(TRIM - 1)
    timer.tick()
    assert redis.xlen(LOG) == left + 400
    clock.advance(1)
    timer.tick()
    assert redis.xlen(LOG) < 150


def test_a_sweep_at_every_start(redis, queues):
    """Nobody knows what was missed while nothing ran: every registry is swept."""
    given = settings(registries={"main": registry_table(), "other": registry_table()}, sweep_interval=600)
    timer = Timer(given, redis)
    timer.begin()
    timer.tick()
    assert sorted(claim.key for claim in WorkQueue(redis, Task.SWEEP).claim(10)) == ["main", "other"]
    assert queues.of(Task.SWEEP).count == 1


def test_a_sweep_every_interval_whoever_ticks(redis, clock):
    """However many supervisors there are, a registry is swept once in an interval."""
    timers = [Timer(settings(sweep_interval=600), redis) for _ in range(3)]
    work = WorkQueue(redis, Task.SWEEP)
    for timer in timers:
        timer.begin()
    generation = work.generation("main")
    for timer in timers:
        timer.tick()
    assert work.generation("main") == generation
    redis.delete(timer_module.SCHEDULED)  # the interval is over
    for timer in timers:
        timer.tick()
    assert work.generation("main") == generation + 1


def test_redis_away(server, redis, queues, timer, clock, caplog):
    """A timer outlives Redis, says so once, and goes on when it is back."""
    server.connected = False
    for _ in range(3):
        timer.tick()
    assert caplog.text.count("Redis does not answer") == 1
    server.connected = True
    WorkQueue(redis, Task.KEEP).add([("a", "")])
    timer.tick()
    assert jobs(queues)[Task.KEEP] == 1
    server.connected = False
    timer.tick()
    assert caplog.text.count("Redis does not answer") == 2


def test_redis_that_lost_everything(redis, queues, timer, clock, caplog):
    """An empty Redis is one that answers: nothing is wrong with it."""
    timer.tick()
    redis.flushall()
    clock.advance(TRIM)
    timer.tick()
    assert "Redis does not answer" not in caplog.text
    assert jobs(queues)[Task.DRAIN] == 1


def test_sweep_at_the_end_of_an_unlock(redis, clock):
    """Where an unlock has ended since the last look there is a sweep, once, whoever looks."""
    timers = [Timer(settings(), redis) for _ in range(2)]
    unlocks = stores(redis).unlocks
    made = [
        unlocks.unlock(Unlock.parse(MAIN, f"{name}/app:1", seconds=600, now=Time.now(), by="ops", reason="why"))
        for name in "ab"
    ]

    def swept():
        for timer in timers:
            timer.tick()
        clock.advance(SLOW)
        claims = WorkQueue(redis, Task.SWEEP).claim(10)
        for claim in claims:
            WorkQueue(redis, Task.SWEEP).done(claim)
        return sorted(claim.key for claim in claims if "/" in claim.key)

    assert swept() == []
    unlocks.lock(made[1].id, "ops")
    assert swept() == ["main/b"]
    assert swept() == []
