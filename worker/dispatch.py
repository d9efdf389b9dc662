"""Dispatch a work queue: many keys side by side, since each waits for the network and not for the processor."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from enforcer.store.limits import BUDGET, RENEW
from enforcer.store.workqueue import Claim, ClaimLost, WorkQueue
from worker.backoff import pause

logger = logging.getLogger(__name__)

THREADS = 32

Step = Callable[[Claim], None]


def dispatch(queue: WorkQueue, step: Step, *, owner: str = "", budget: float = BUDGET, renew: float = RENEW) -> int:
    """Do one step for each key that is due, until none is; returns how many there were.

    `owner` is whose they are meanwhile. After `budget` seconds no more is claimed; what takes longer than `renew`
    seconds is renewed.
    """
    until = time.monotonic() + budget
    count = 0
    busy: dict[Future[None], Claim] = {}
    renewed = time.monotonic()
    with ThreadPoolExecutor(THREADS, thread_name_prefix=queue.task.value) as pool:
        while True:
            has_room = len(busy) < THREADS and time.monotonic() < until
            claims = queue.claim(THREADS - len(busy), owner=owner) if has_room else []
            busy |= {pool.submit(_try, queue, step, claim): claim for claim in claims}
            count += len(claims)
            if not busy:
                return count
            if not claims:
                wait(busy, timeout=0.05, return_when=FIRST_COMPLETED)
            busy = {future: claim for future, claim in busy.items() if not future.done()}
            if time.monotonic() - renewed >= renew:
                renewed = time.monotonic()
                _renew(queue, busy.values())


def _renew(queue: WorkQueue, claims: Iterable[Claim]) -> None:
    for claim in claims:
        queue.renew(claim)


def _try(queue: WorkQueue, step: Step, claim: Claim) -> None:
    """A step that fails in a way that was not thought of is tried again later, and keeps no other from its turn."""
    try:
        step(claim)
    except ClaimLost as error:
        logger.warning("%s %s is left to another worker: %s", queue.task.value, claim.key, error)
    except Exception:
        logger.exception("%s %s failed", queue.task.value, claim.key)
        queue.again(claim, claim.checkpoint, pause(6))
