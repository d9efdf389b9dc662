"""The dispatcher of restores: what is due goes to the pool of its registry, and no registry waits for another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

from enforcer.names import RegistryName, TagName
from enforcer.store.limits import BUDGET, RENEW
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import Claim, ClaimLost, WorkQueue
from worker.backoff import pause
from worker.context import Context
from worker.enforcement.progress import Progress
from worker.enforcement.restore import restore
from worker.pool import Precedence, RegistryPools

logger = logging.getLogger(__name__)

POLL = 0.02
"""Seconds between two looks at the queues while something is due soon."""

LINGER = 1
"""Seconds; what is due later is left to the next job."""


def restore_at_once(context: Context, pools: RegistryPools, names: Iterable[TagName]) -> None:
    """Restore tags in this process now; those that a worker has already are asked for once more.

    What a registry that is away is asked for waits with the rest.
    """
    wanted: dict[RegistryName, list[str]] = {}
    for name in names:
        wanted.setdefault(name.registry, []).append(str(name))
    for registry, keys in wanted.items():
        if context.breakers.is_away(registry):
            context.restores.add((key, "") for key in keys)
            continue
        for claim in context.restores.add_claimed(keys, owner=context.owner):
            hand_over(context, pools, claim)
    if wanted:
        context.queues.wake(Task.RESTORE)  # for the looks


def restore_due(context: Context) -> int:
    """Restore what is due, and what will be in a moment; returns how many steps were begun."""
    if context.pools is not None:
        return Dispatcher(context, context.pools, linger=LINGER).run()
    pools = RegistryPools()
    try:
        dispatcher = Dispatcher(context, pools)
        count = dispatcher.run()
        while pools.is_busy():
            time.sleep(POLL)
        return count
    finally:
        pools.close()


class Dispatcher:
    """Claims what is due of each registry, as much as its pool can begin, and never waits for a step."""

    def __init__(self, context: Context, pools: RegistryPools, *, linger: float = 0) -> None:
        self._context, self._pools, self._linger = context, pools, linger

    def run(self, *, budget: float = BUDGET, clock: Callable[[], float] = time.monotonic) -> int:
        """Until nothing is due within the time to linger, or the budget is spent; returns how many were handed over."""
        until = clock() + budget
        self._context.restores.take_over()
        count = 0
        while clock() < until:
            handed = sum(self._hand_over(*each) for each in self._context.restores.by_registry.items())
            count += handed
            if not handed:
                if not self._context.restores.is_due_within(self._linger):
                    break
                if not self._linger and not self._pools.is_busy():
                    break  # what is due waits for a registry that is away
                time.sleep(POLL)
        return count

    def _hand_over(self, registry: RegistryName, queue: WorkQueue) -> int:
        room = self._pools.room(registry)
        if not room or not queue.is_due():
            return 0
        if self._context.breakers.is_away(registry):
            room = int(self._context.breakers.take_probe(registry))
        claims = queue.claim(room, owner=self._context.owner) if room else []
        for claim in claims:
            hand_over(self._context, self._pools, claim)
        return len(claims)


def hand_over(context: Context, pools: RegistryPools, claim: Claim) -> None:
    """Have the next step of a restore done by the pool of its registry."""
    name = TagName.parse(claim.key)
    step = partial(_step, context, pools, claim)
    if not pools.submit(name.registry, _precedence(claim), name.repository, step):
        context.restores.again(claim, claim.checkpoint, 0)


def _precedence(claim: Claim) -> Precedence:
    progress = Progress.read(claim.checkpoint)
    if claim.generation <= progress.answered:
        return Precedence.LOOK
    return Precedence.FIGHT if progress.puts else Precedence.FIRST_ANSWER


def _step(context: Context, pools: RegistryPools, claim: Claim) -> None:
    """One step; another claim of the same tag that has to go on takes its turn behind what is more urgent."""
    try:
        with _renewed(context, claim):
            after = restore(context, claim)
    except ClaimLost as error:
        logger.warning("%s is left to another worker: %s", claim.key, error)
    except Exception:
        logger.exception("restoring %s failed", claim.key)
        context.restores.again(claim, claim.checkpoint, pause(6))
    else:
        if after is not None:
            hand_over(context, pools, after)


@contextmanager
def _renewed(context: Context, claim: Claim) -> Iterator[None]:
    """A step that takes long keeps its claim. Raises `ClaimLost` where it had waited for too long."""
    if not context.restores.renew(claim):
        raise ClaimLost("it waited for too long")
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(RENEW):
            context.restores.renew(claim)

    threading.Thread(target=go_on, name="renew", daemon=True).start()
    try:
        yield
    finally:
        over.set()
