"""One worker process: RQ, one queue, and our own functions only."""

from __future__ import annotations

import os
import socket

from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from enforcer.settings.settings import Settings
from enforcer.store.connection import connect
from enforcer.store.stores import Stores
from enforcer.store.wakeups import AllowedJob, Task
from worker import jobs
from worker.context import Context
from worker.judging.credentials import PATIENCE, learn_all
from worker.pool import RegistryPools


def work(settings: Settings, redis: Redis, task: Task, slot: int) -> None:
    """Do one task's jobs until told to stop.

    The slot makes the consumer's name: the process that takes the place of a dead one finds what that one had claimed.
    Jobs run in this process, not in a fork: what it has compiled and connected stays, and a crash costs only itself.
    """
    consumer = f"{socket.gethostname()}-{slot}"
    pools = RegistryPools()
    # With the supervisor's number: two of them on one host have the same slots, and nothing to take back from another.
    owner = f"{consumer}-{task.queue}-{os.getppid()}"
    context = Context(settings, redis, consumer=consumer, owner=owner, pools=pools)
    jobs.work_with(context)
    _prepare(context, task)
    # RQ waits for jobs with a long time-out, which the jobs' own connection must not have.
    waiting = connect(settings.redis_url.get_secret_value(), settings.data_dir)
    worker = SimpleWorker(
        [Stores.open(settings, waiting).wakeups.of(task)],
        name=f"{task.queue}-{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}",
        connection=waiting,
        job_class=AllowedJob,
        serializer=JSONSerializer,
        worker_ttl=20,  # it waits for a job for 15 seconds less: so soon it finds a master that stands still
        maintenance_interval=30,
        log_job_description=False,
    )
    try:
        with context.stores.heartbeats.beating(task):
            worker.work(logging_level="WARNING")
    finally:
        pools.close()


def _prepare(context: Context, task: Task) -> None:
    context.take_back()
    if task is Task.DRAIN:
        learn_all(context, patience=PATIENCE)
    context.queues.enqueue(task)  # whatever was left when the last worker ended
