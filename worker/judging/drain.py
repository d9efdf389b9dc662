"""Drain: the entries of the log are judged, and the effects of the decisions applied."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from redis import RedisError
from rq.timeouts import BaseTimeoutException

from enforcer.judgement.arrival import Arrival
from enforcer.names import RegistryName
from enforcer.store.ledger import Ledger
from enforcer.store.limits import DRAIN_BUDGET
from enforcer.store.log import DeadLetter, Log
from enforcer.store.log_entry import LogEntry
from enforcer.store.policies import PolicyStore
from enforcer.store.wakeups import Queues, Task
from worker.context import Context
from worker.judging.effects import Effects
from worker.judging.enrichment import Enrichment, NotedPushes, ReadManifest
from worker.judging.judge import Judge

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drain:
    """Judges the log's entries, as one of its consumers; `clock` is in seconds and never goes back."""

    log: Log
    consumer: str
    queues: Queues
    ledger: Ledger
    policies: PolicyStore
    late_window: float
    registries: Container[RegistryName]
    read: ReadManifest
    pushes: NotedPushes
    effects: Effects
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, context: Context) -> Self:
        """The drain of a worker."""
        return cls(
            log=context.log,
            consumer=context.consumer,
            queues=context.queues,
            ledger=context.ledger,
            policies=context.policies,
            late_window=context.settings.late_window,
            registries=context.registries,
            read=context.manifest,
            pushes=context.stores.pushes,
            effects=Effects.of(context),
        )

    def run(self) -> int:
        """Judge all events that wait in the log; returns how many there were."""
        until = self.clock() + DRAIN_BUDGET
        count = 0
        for batch in self.log.batches(self.consumer):
            self.judge_surely(batch)
            # Only now: a worker that dies before this line leaves the batch to the next one.
            self.log.acknowledge(batch)
            count += len(batch)
            if self.clock() > until:
                self.queues.wake(Task.DRAIN)
                break
        return count

    def judge_surely(self, batch: Sequence[LogEntry]) -> None:
        """Judge a batch; an event that cannot be judged, which is our fault, holds up none of the others."""
        try:
            self.judge(batch)
        except (RedisError, BaseTimeoutException):
            raise  # not the events' doing: they stay in the log
        except Exception as error:
            if len(batch) > 1:
                for entry in batch:
                    self.judge_surely([entry])
                return
            (entry,) = batch
            logger.exception("entry %s of the log cannot be judged: moved to the dead letters", entry.entry_id)
            registry = entry.event.registry if entry.event else "unknown"
            self.log.dead_letter([DeadLetter(registry, f"cannot be judged: {type(error).__name__}", entry.text)])

    def judge(self, batch: Sequence[LogEntry]) -> None:
        """Judge a batch; when it comes again after a crash, nothing changes and its effects are applied again."""
        self._put_aside_unreadable(batch)
        policies = self.policies.current()
        enrichment = Enrichment(policies, self.registries, self.read, self.pushes)
        enrichment.note_pushes([entry.event for entry in batch if entry.event is not None])
        judge = Judge(self.ledger, policies, self.late_window)
        arrivals = (Arrival(enrichment.enrich(entry.event), entry.time) for entry in batch if entry.event is not None)
        self.effects.apply(list(judge.judge(arrivals)))

    def _put_aside_unreadable(self, batch: Iterable[LogEntry]) -> None:
        lost = [entry for entry in batch if entry.event is None]
        for entry in lost:
            logger.error("entry %s of the log is no event: moved to the dead letters", entry.entry_id)
        if lost:
            reason = "an entry of the log is no event"
            self.log.dead_letter(DeadLetter("unknown", reason, entry.text) for entry in lost)


def drain(context: Context) -> int:
    """Judge all events that wait in the log; returns how many there were."""
    return Drain.of(context).run()
