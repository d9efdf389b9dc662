"""RQ: the queues, the names of the jobs and how they are woken. No other file knows a job's name.

Every job here means "look, there may be something to do": it carries no arguments, so it may be lost, doubled or late
without harm. What is to do stands in the log and the work queues.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.serializers import JSONSerializer

from enforcer.errors import EnforcerError
from enforcer.store.limits import JOB_TIMEOUT, WAKE


class Task(StrEnum):
    """What workers do. A worker listens to one queue: with two, it loses jobs when it is stopped."""

    DRAIN = "drain"
    KEEP = "keep"
    RESTORE = "restore"
    ALERT = "alert"
    BASELINE = "baseline"
    SWEEP = "sweep"

    @property
    def function(self) -> str:
        """The function that RQ calls, by its dotted name: this package does not import the worker's."""
        return f"worker.jobs.{self.value}"

    @property
    def queue(self) -> str:
        """The RQ queue. Baselines and sweeps share one: both take their time, and one worker is enough for them."""
        return "enforcer-survey" if self in (Task.BASELINE, Task.SWEEP) else f"enforcer-{self.value}"

    @property
    def flag(self) -> str:
        """The Redis key that says a wake-up is on its way."""
        return f"te:wake:{self.value}"


_ALLOWED = frozenset(task.function for task in Task)


class ForbiddenJob(EnforcerError):
    """Somebody put a job into Redis that is none of ours."""


class AllowedJob(Job):
    """A job that runs nothing but our own functions, whatever stands in Redis.

    JSON alone would not do: RQ imports any function that a job names, and any callback, and calls any webhook.
    """

    @property
    def func(self) -> Callable[..., Any]:
        if self.func_name not in _ALLOWED or self.instance is not None:
            raise ForbiddenJob(f"refused to run {self.func_name!r}: not a job of Tag Enforcer")
        function: Callable[..., Any] = super().func
        return function

    success_callback = failure_callback = stopped_callback = None

    def send_webhooks(self, *_: Any, **__: Any) -> None:
        """None: our jobs have none, and whoever plants one chooses where a worker sends what."""


class Queues:
    """Wakes workers."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def of(self, task: Task) -> Queue:
        """The RQ queue of a task."""
        return Queue(task.queue, connection=self._redis, serializer=JSONSerializer, job_class=AllowedJob)

    def wake(self, task: Task) -> bool:
        """Enqueue one job, unless one is on its way; returns whether it did."""
        if not self._redis.set(task.flag, 1, nx=True, ex=WAKE):
            return False
        self.enqueue(task)
        return True

    def enqueue(self, task: Task) -> None:
        """Enqueue one job, for callers that have raised the flag themselves."""
        with self._redis.pipeline(transaction=False) as pipe:
            self.of(task).enqueue_call(
                task.function,
                timeout=JOB_TIMEOUT,
                result_ttl=5,  # 0 is slower: RQ then reads the job again to delete it
                failure_ttl=24 * 3600,
                description=task.value,
                retry=Retry(max=3),
                pipeline=pipe,
            )
            pipe.execute()

    def clear_wakeup(self, task: Task) -> None:
        """Lower the flag: from here on a new wake-up is enqueued. A job calls it before it looks for work."""
        self._redis.delete(task.flag)
