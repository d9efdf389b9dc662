"""What RQ calls. Each lowers its flag before it looks for work: whoever comes later wakes the next job."""

from __future__ import annotations

from functools import partial

from enforcer.store.wakeups import Task
from worker.context import Context
from worker.dispatch import attend
from worker.enforcement.deliver import deliver
from worker.enforcement.keep import keep as keep_manifest
from worker.enforcement.restore import restore as restore_tag
from worker.judging.drain import drain as drain_log
from worker.scanning.baseline import baseline as record_namespace
from worker.scanning.sweep import sweep as sweep_place

_contexts: list[Context] = []


def work_with(context: Context) -> None:
    """Set what the jobs of this process work with; RQ passes them nothing but their name."""
    _contexts[:] = [context]


def _awake(task: Task) -> Context:
    (context,) = _contexts
    context.queues.awake(task)
    return context


def drain() -> int:
    """Judge the events of the log."""
    return drain_log(_awake(Task.DRAIN))


def keep() -> int:
    """Fetch the manifests that are to be kept."""
    context = _awake(Task.KEEP)
    return attend(context.keeps, partial(keep_manifest, context), owner=context.owner)


def restore() -> int:
    """Restore the tags that are due."""
    context = _awake(Task.RESTORE)
    return attend(context.restores, partial(restore_tag, context), owner=context.owner)


def baseline() -> int:
    """Record the tags of namespaces that a policy begins to protect."""
    context = _awake(Task.BASELINE)
    return attend(context.baselines, partial(record_namespace, context), owner=context.owner)


def sweep() -> int:
    """Compare registries with the ledger."""
    context = _awake(Task.SWEEP)
    return attend(context.sweeps, partial(sweep_place, context), owner=context.owner)


def alert() -> int:
    """Deliver the alerts that are due."""
    context = _awake(Task.ALERT)
    return attend(context.alerts.agenda, partial(deliver, context), owner=context.owner)
