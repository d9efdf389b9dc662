"""Drain: judge what stands in the log, and set in motion what follows from the decisions."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from redis import RedisError
from rq.timeouts import BaseTimeoutException

from enforcer.judgement.arrival import Arrival
from enforcer.store.log import DeadLetter, LogEntry
from enforcer.store.wakeups import Task
from worker.context import Context
from worker.judging.effects import set_in_motion
from worker.judging.enrichment import Enrichment
from worker.judging.judge import Judge

logger = logging.getLogger(__name__)

BUDGET = 15
"""Seconds after which a drain makes room for the next job; well below RQ's time-out."""


def drain(context: Context) -> int:
    """Judge all events that nobody has judged; returns how many there were."""
    until = time.monotonic() + BUDGET
    count = 0
    for batch in context.log.batches(context.consumer):
        judge_surely(context, batch)
        context.log.acknowledge(batch)
        count += len(batch)
        if time.monotonic() > until:
            context.queues.wake(Task.DRAIN)
            break
    return count


def judge_surely(context: Context, batch: Sequence[LogEntry]) -> None:
    """Judge a batch; an event that cannot be judged, which is our fault, holds up none of the others."""
    try:
        judge_batch(context, batch)
    except (RedisError, BaseTimeoutException):
        raise  # not the events' doing: they stay in the log
    except Exception as error:
        if len(batch) > 1:
            for arrival in batch:
                judge_surely(context, [arrival])
            return
        (arrival,) = batch
        logger.exception("entry %s of the log cannot be judged: moved to the dead letters", arrival.entry_id)
        registry = arrival.event.registry if arrival.event else "unknown"
        context.log.bury([DeadLetter(registry, f"cannot be judged: {type(error).__name__}", arrival.text)])


def judge_batch(context: Context, batch: Sequence[LogEntry]) -> None:
    """Judge a batch; when it comes again after a crash, nothing changes and what follows is set in motion again."""
    _bury_unreadable(context, batch)
    policies = context.policies.current()
    judge = Judge(context.ledger, policies, context.settings.late_window)
    descriptions = Enrichment(context, policies=policies)
    cases = (Arrival(descriptions.of(arrival.event), arrival.time) for arrival in batch if arrival.event is not None)
    set_in_motion(context, list(judge.judge(cases)))


def _bury_unreadable(context: Context, batch: Iterable[LogEntry]) -> None:
    lost = [arrival for arrival in batch if arrival.event is None]
    for arrival in lost:
        logger.error("entry %s of the log is no event: moved to the dead letters", arrival.entry_id)
    if lost:
        context.log.bury(DeadLetter("unknown", "an entry of the log is no event", arrival.text) for arrival in lost)
