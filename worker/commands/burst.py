"""Burst: do what waits in this process, beside whatever workers run, until nothing does."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from enforcer.names import RegistryName, TagName
from enforcer.store.registry_queues import RegistryQueues
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from worker import jobs
from worker.context import Context
from worker.dispatch import dispatch
from worker.enforcement.dispatcher import restore_due
from worker.enforcement.keep import keep
from worker.enforcement.restore import LOOKS
from worker.judging.credentials import learn_all

POLL = 0.1
"""Seconds between two looks at what is not due yet."""

SOON = 2 * LOOKS[-1]
"""Seconds; what is put off for longer waits for somebody who does not answer, and is left to a later run."""

PATIENCE = 90
"""Seconds of waiting without anything getting done; the claims of a dead worker are taken over in less."""

GIVE_UP = 300
"""Seconds after which nobody waits for restores any longer, whatever else is being restored."""


def work_off(context: Context) -> list[Task]:
    """Judge, keep, restore and tell, later looks at restored tags included; returns the tasks of which some is left."""
    jobs.work_with(context)
    learn_all(context)
    queues: dict[WorkQueue | RegistryQueues, Callable[[], int]] = {
        context.baselines: jobs.baseline,
        context.sweeps: jobs.sweep,
        context.keeps: jobs.keep,
        context.restores: jobs.restore,
        context.alerts.queue: jobs.alert,
    }
    left, waited = [0], 0.0
    # What a dead worker had claimed of the log can be taken over after a while.
    while jobs.drain() or context.log.waiting() or any(queue.is_busy(SOON) for queue in queues):
        done = [job() for queue, job in queues.items() if queue.is_due()]
        before, left = left, [context.log.waiting(), *map(len, queues)]
        if left != before:
            waited = 0
        elif waited > PATIENCE:  # for one of many that are tried again and again, and in turn
            break
        if not any(done):
            time.sleep(POLL)
            waited += POLL
    return [queue.task for queue in queues if len(queue)]


def keep_all(context: Context) -> None:
    """Fetch the manifests that are to be kept, as far as the registry has them now."""
    while context.keeps.is_due():
        dispatch(context.keeps, partial(keep, context))


def restore_all(context: Context, names: Sequence[TagName]) -> list[TagName]:
    """Restore until these tags are, or it becomes clear that they cannot be now; returns those that are not."""
    until = time.monotonic() + GIVE_UP
    waiting = list(names)
    while waiting and context.restores.is_busy(SOON) and time.monotonic() < until:
        if all(_is_away(context, name.registry) for name in waiting):
            break
        if not restore_due(context):
            time.sleep(POLL)
        while waiting and not context.restores.generation(str(waiting[-1])):
            waiting.pop()
    return [name for name in names if context.violations.get_open(name)]


def _is_away(context: Context, registry: RegistryName) -> bool:
    """True for a registry that has not answered for so long that its tags are left to the workers."""
    return context.breakers.away_for(registry, context.timing.now().nanoseconds // 1_000_000) > SOON
