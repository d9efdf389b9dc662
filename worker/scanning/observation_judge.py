"""Observations are judged by the same rules as what a registry announces."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Self

from enforcer.events import Event
from enforcer.judgement.arrival import Arrival
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.store.ledger import Ledger
from enforcer.store.log import Log
from enforcer.store.policies import PolicyStore
from enforcer.store.wakeups import Queues, Task
from enforcer.times import Time
from worker.context import Context
from worker.judging.effects import Effects
from worker.judging.enrichment import Enrichment, NotedPushes
from worker.judging.judge import Judge
from worker.scanning.observation import Observation, observed_event
from worker.scanning.scan import Scan

Kept = Callable[[RegistryName, Repository, Digest], Manifest | None]
"""A manifest as it is kept; None if it is not."""


@dataclass(frozen=True, slots=True)
class ObservationJudge:
    """Judges what a baseline or a sweep observed, as `by` says; manifests are read at the rate of its scan."""

    by: str
    new_id: Callable[[], str]
    scan: Scan
    kept: Kept
    keep: Callable[[RegistryName, Repository, Manifest], None]
    registries: Container[RegistryName]
    log: Log
    queues: Queues
    ledger: Ledger
    policies: PolicyStore
    pushes: NotedPushes
    late_window: float
    effects: Effects

    @classmethod
    def of(cls, context: Context, scan: Scan, by: str) -> Self:
        """The judge of a worker's scan."""
        return cls(
            by=by,
            new_id=context.new_id,
            scan=scan,
            kept=context.kept,
            keep=context.keep,
            registries=context.registries,
            log=context.log,
            queues=context.queues,
            ledger=context.ledger,
            policies=context.policies,
            pushes=context.stores.pushes,
            late_window=context.settings.late_window,
            effects=Effects.of(context),
        )

    def event_id(self) -> str:
        """The id of a new event."""
        return f"{self.by}-{self.new_id()}"

    def event(self, observation: Observation, *, time: Time | None = None, adopted: str = "") -> Event:
        """The event that an observation counts as."""
        return observed_event(observation, self.by, self.event_id(), time=time, adopted=adopted)

    def judge(self, events: Sequence[Event]) -> None:
        """Enrich and judge events, and apply the effects."""
        if not events:
            return
        policies = self.policies.current()
        enrichment = Enrichment(policies, self.registries, self._read, self.pushes)
        enriched = list(self.scan.side_by_side(enrichment.enrich, events))
        # Into the log first, like what a registry tells: if this worker dies now, a drain judges them, and a replay
        # knows them.
        accepted = self.log.accept(enriched)
        if accepted.must_wake:
            self.queues.enqueue(Task.DRAIN)
        judge = Judge(self.ledger, policies, self.late_window)
        self.effects.apply(list(judge.judge(map(Arrival.of, accepted.events))))

    def _read(self, registry: RegistryName, repository: Repository, digest: Digest) -> Manifest:
        kept = self.kept(registry, repository, digest)
        if kept is None:
            kept = self.scan.read(repository, digest)
            self.keep(registry, repository, kept)
        return kept
