"""Burst: do all that waits, in this process, until nothing does."""

from __future__ import annotations

import time

from enforcer.queue import Task
from worker import jobs
from worker.context import Context

POLL = 0.1
"""Seconds between two looks at what is not due yet."""


def work_off(context: Context) -> None:
    """Judge, keep, restore and tell until no agenda has anything left, later looks at restored tags included."""
    jobs.work_with(context)
    agendas = {
        Task.BASELINE: (context.baselines, jobs.baseline),
        Task.SWEEP: (context.sweeps, jobs.sweep),
        Task.KEEP: (context.keeps, jobs.keep),
        Task.RESTORE: (context.restores, jobs.restore),
        Task.ALERT: (context.alerts.agenda, jobs.alert),
    }
    while jobs.drain() or any(len(agenda) for agenda, _ in agendas.values()):
        done = [job() for agenda, job in agendas.values() if agenda.is_due()]
        if not any(done):
            time.sleep(POLL)
