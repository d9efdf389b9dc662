from __future__ import annotations

import logging
import socket

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from rq import SimpleWorker

from enforcer.judgement.record import Decision
from enforcer.store.ledger import Ledger
from enforcer.store.log import Log
from enforcer.store.policies import PolicyStore
from enforcer.store.wakeups import AllowedJob, Queues, Task
from enforcer.times import Time
from tests.fakes.events import NAME, digest, push
from tests.fakes.registry import FakeRegistry
from tests.fakes.settings import policy_table, registry_table, settings
from tests.fakes.workers import own_signals  # noqa: F401 - a fixture for every test here
from worker import jobs, process


class Burst(SimpleWorker):
    """A worker that ends when there is nothing left to do."""

    started: list[Burst] = []  # noqa: RUF012 - a log for one test

    def work(self, *args, **options):
        self.started.append(self)
        return super().work(*args, burst=True, **options)


@pytest.fixture
def redis(monkeypatch):
    """The Redis of both connections of a process: the jobs' and RQ's."""
    server = FakeServer()
    monkeypatch.setattr(process, "connect", lambda *_, **__: FakeStrictRedis(server=server))
    monkeypatch.setattr(process, "SimpleWorker", Burst)
    monkeypatch.setattr(Burst, "started", [])
    monkeypatch.setattr(jobs, "_contexts", [])
    yield FakeStrictRedis(server=server)
    logging.getLogger("rq.worker").handlers.clear()


def test_a_process_begins_with_what_was_left(redis):
    """Whatever was left when the last worker ended is done first, without anybody asking."""
    Log(redis).append([push("e", digest(1))])
    process.work(settings(), redis, Task.DRAIN, 1)
    assert Log(redis).waiting() == 0
    (consumer,) = redis.xinfo_consumers("te:{log}", "drain")
    assert consumer["name"].decode() == f"{socket.gethostname()}-1"


def test_a_draining_process_learns_first_what_it_judges_by(redis):
    """An event that waits when a new installation starts is judged in knowledge of who is asked for credentials."""
    with FakeRegistry(basic=("ops", "swordfish")) as registry:
        given = settings(
            registries={"main": registry_table(registry.url)}, policies=[policy_table(bypass_actors=["robot"])]
        )
        PolicyStore(redis, clock=lambda: Time("2026-11-22T00:00:00Z")).apply_settings(given.policies)
        Log(redis).append([push("e", digest(1), actor="robot")])
        process.work(given, redis, Task.DRAIN, 1)
    (entry,) = Ledger(redis).history(NAME)
    assert entry.decision is Decision.MOVED


@pytest.mark.parametrize("task", Task)
def test_a_process_listens_to_one_queue_and_runs_our_jobs_only(redis, task):
    """With two queues RQ loses jobs when it is stopped; with its own job class it runs whatever is planted."""
    process.work(settings(), redis, task, 1)
    (worker,) = Burst.started
    assert [queue.name for queue in worker.queues] == [task.queue]
    assert worker.job_class is AllowedJob
    assert worker.queues[0].job_class is AllowedJob
    assert Queues(redis).of(task).count == 0


def test_two_processes_of_a_slot_have_different_names(redis):
    """The name of a killed worker stays taken for minutes: the next one needs another."""
    for _ in range(2):
        process.work(settings(), redis, Task.KEEP, 1)
    first, second = Burst.started
    assert first.name != second.name
