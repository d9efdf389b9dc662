"""Attend to an agenda: many items side by side, since each waits for the network and not for the processor."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from enforcer.store.workqueue import Claim, WorkQueue
from worker.backoff import pause

logger = logging.getLogger(__name__)

THREADS = 32
BUDGET = 20
"""Seconds after which no more is claimed; well below RQ's time-out."""

Step = Callable[[Claim], None]


def attend(agenda: WorkQueue, step: Step, *, owner: str = "") -> int:
    """Do one step for each item that is due, until nothing is; returns how many there were.

    `owner` is whose they are meanwhile.
    """
    until = time.monotonic() + BUDGET
    count = 0
    busy: set[Future[None]] = set()
    with ThreadPoolExecutor(THREADS, thread_name_prefix=agenda.task.value) as pool:
        while True:
            has_room = len(busy) < THREADS and time.monotonic() < until
            claims = agenda.claim(THREADS - len(busy), owner=owner) if has_room else []
            busy |= {pool.submit(_try, agenda, step, claim) for claim in claims}
            count += len(claims)
            if not busy:
                return count
            if not claims:
                _, busy = wait(busy, timeout=0.05, return_when=FIRST_COMPLETED)
            busy = {future for future in busy if not future.done()}


def _try(agenda: WorkQueue, step: Step, claim: Claim) -> None:
    """A step that fails in a way nobody thought of is tried again later, and keeps no other from its turn."""
    try:
        step(claim)
    except Exception:
        logger.exception("%s %s failed", agenda.task.value, claim.item)
        agenda.again(claim.item, claim.notes, pause(6))
