"""One turn of a walk that stands in a work queue: a slice of time, after which the walk waits for its next turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container
from contextlib import AbstractContextManager

from enforcer.errors import RegistryError
from enforcer.names import RegistryName
from enforcer.store.workqueue import Claim, WorkQueue
from worker.backoff import pause
from worker.context import Timing
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.report import Report, log_report
from worker.scanning.sweep_lock import SweepRunning
from worker.scanning.walk import Walk

logger = logging.getLogger(__name__)

Start = Callable[[RegistryName, str, Checkpoint], AbstractContextManager[Walk]]
"""Opens a walk over a registry, or only a namespace of it, on from a checkpoint."""


def take_turn(
    queue: WorkQueue,
    claim: Claim,
    registries: Container[RegistryName],
    start: Start,
    finish: Callable[[Report], None],
    timing: Timing,
) -> None:
    """Walk on for a slice; `finish` comes before the work is given back, so that it is done again after a crash."""
    work = f"{queue.task.value} of {claim.key}"
    name, _, namespace = claim.key.partition("/")
    registry = RegistryName(name)
    if registry not in registries:  # it is configured no more
        queue.done(claim)
        return
    checkpoint = Checkpoint.read(claim.checkpoint, timing.now())
    settled = checkpoint.to_json()  # with the time when it began, which must not move with each try
    try:
        with start(registry, namespace, checkpoint) as walk:
            settled = walk.settled
            for _ in walk.run(timing.slice):
                settled = walk.settled
            settled = walk.settled
    except SweepRunning as error:  # of the whole registry, or by a command
        logger.info("the %s waits: %s", work, error)
        queue.again(claim, settled, pause(2))
    except RegistryError as error:
        logger.warning("the %s is put off: %s", work, error)
        queue.again(claim, settled, pause(4, retry_after=error.retry_after))
    else:
        if walk.finished:
            log_report(work, walk.report)
            finish(walk.report)
            queue.done(claim, anew=True)
        else:
            queue.again(claim, settled, 0)
