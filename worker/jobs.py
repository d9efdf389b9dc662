"""What RQ calls. Each lowers its flag before it looks for work: whoever comes later wakes the next job."""

from __future__ import annotations

from functools import partial

from enforcer.store.wakeups import Task
from worker.context import Context
from worker.dispatch import dispatch
from worker.enforcement.deliver import deliver
from worker.enforcement.dispatcher import restore_due
from worker.enforcement.keep import keep as keep_manifest
from worker.judging.drain import drain as drain_log
from worker.scanning.baseline import baseline as record_namespace
from worker.scanning.sweep import sweep as sweep_place

_contexts: list[Context] = []


def work_with(context: Context) -> None:
    """Set what the jobs of this process work with; RQ passes them nothing but their name."""
    _contexts[:] = [context]


def _woken(task: Task) -> Context:
    (context,) = _contexts
    context.queues.clear_wakeup(task)
    return context


def drain() -> int:
    """Judge the events of the log."""
    return drain_log(_woken(Task.DRAIN))


def keep() -> int:
    """Fetch the manifests that are to be kept."""
    context = _woken(Task.KEEP)
    return dispatch(context.keeps, partial(keep_manifest, context), owner=context.owner)


def restore() -> int:
    """Restore the tags that are due."""
    return restore_due(_woken(Task.RESTORE))


def baseline() -> int:
    """Record the tags of namespaces that a policy begins to protect."""
    context = _woken(Task.BASELINE)
    return dispatch(context.baselines, partial(record_namespace, context), owner=context.owner)


def sweep() -> int:
    """Compare registries with the ledger."""
    context = _woken(Task.SWEEP)
    return dispatch(context.sweeps, partial(sweep_place, context), owner=context.owner)


def alert() -> int:
    """Deliver the alerts that are due."""
    context = _woken(Task.ALERT)
    return dispatch(context.alerts.queue, partial(deliver, context), owner=context.owner)
