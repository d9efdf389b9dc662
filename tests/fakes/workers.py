"""RQ workers on a Redis in memory, and what a planted job would do if it could."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from redis import Redis
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from enforcer.store.wakeups import AllowedJob, Queues, Task


@pytest.fixture(autouse=True)
def own_signals():
    """A worker takes SIGINT and SIGTERM for itself: gives them back, so that a test run can be stopped."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def burst(redis: Redis, task: Task, *, job_class: type[Job] | None = AllowedJob) -> None:
    """Do all jobs of a task's queue, as a worker process does."""
    # fakeredis has no INFO: without this RQ takes it for an old Redis and goes another way than in production.
    redis.__rq_redis_server_version = (7, 0, 0)
    job_class = job_class or Job
    queue = Queues(redis).of(task)
    queue.job_class = job_class
    worker = SimpleWorker([queue], connection=redis, job_class=job_class, serializer=JSONSerializer)
    worker.work(burst=True, logging_level="CRITICAL")


def make(*_: object) -> None:
    """Leave a trace: a callback that anybody could name."""
    Path(os.environ["TAG_ENFORCER_TEST_MAKES"]).touch()
