"""Replay: judge archived events as they were judged when they arrived, whatever the order in which they are.

Lateness is that of their arrival. Where an archive does not tell it, as a foreign one or one of an earlier release, the
order is that of their own times, and each event counts as in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from enforcer.events import Event
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision
from enforcer.judgement.tag_decision import Decided
from enforcer.judgement.violation import Violation, violation_id
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository, TagName
from enforcer.policies.policy_set import PolicySet
from enforcer.registries.client import RegistryClient
from enforcer.times import Time
from worker.context import Context
from worker.judging.credentials import learn_all
from worker.judging.enrichment import Enrichment
from worker.judging.judge import Judge
from worker.rate_limit import RateLimit
from worker.recovery.dry_ledger import DryLedger
from worker.recovery.found_violations import FoundViolations
from worker.recovery.pushes import ReplayedPushes

BEGINNING = Time("0001-01-01T00:00:00Z")

BATCH = 1000
"""Events judged at once."""

THREADS = 8
"""Manifests read side by side, of events that leave out what only those tell."""


@dataclass(slots=True)
class Report:
    """The result of a replay: how many events ended in which decision."""

    events: int = 0
    rejected: int = 0
    decisions: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Replay:
    """Judges events that are in order; `enrich` adds what they leave out.

    A replay that was broken off is begun anew: what it judged already is known by the ids of its events.
    """

    judge: Judge
    enrich: Callable[[Sequence[Event]], Sequence[Event]]
    found: FoundViolations
    report: Report = field(default_factory=Report)

    def run(self, events: Iterator[Event]) -> Iterator[tuple[int, Decided]]:
        """Judge a batch at a time; yields how many events that were and what was decided."""
        while batch := list(islice(events, BATCH)):
            decided = list(self.judge.judge(map(Arrival.of, self.enrich(batch))))
            self.report.events += len(batch)
            self._count(decided, {event.id for event in batch})
            yield len(batch), decided

    def _count(self, decided: Decided, ids: set[str]) -> None:
        """Count the decisions of these events. Those that they changed in others count for the violations alone."""
        ours: dict[tuple[TagName, tuple[str, ...]], Decision] = {}
        for name, decision in decided:
            for order, entry in decision.entries.items():
                is_ours = entry.event.id in ids
                if is_ours:
                    ours[name, order] = entry.decision
                if not (is_ours or decision.changed):
                    continue
                if entry.decision.is_violation:
                    self.found.add(Violation.of(name, entry))
                elif order in decision.rejudged:
                    self.found.withdraw(violation_id(entry.event))
        self.report.decisions.update(ours.values())


def always_in_force(policies: PolicySet) -> PolicySet:
    """The policies as if they had always been there; unlocks are of their own time."""
    began = (replace(policy, effective_since=BEGINNING) for policy in policies)
    return PolicySet(began, unlocks=policies.unlocks, asking=policies.asking)


@dataclass(frozen=True, slots=True)
class RateLimitedReader:
    """Reads manifests as they are kept, else from the registry, no faster than the rate limit allows.

    `keep` is called with each manifest that a registry answered with.
    """

    kept: Callable[[RegistryName, Repository, Digest], Manifest | None]
    registries: Mapping[RegistryName, RegistryClient]
    rate_limit: RateLimit
    keep: Callable[[RegistryName, Repository, Manifest], object]

    def read(self, registry: RegistryName, repository: Repository, digest: Digest) -> Manifest:
        """One manifest. Raises `RegistryError`."""
        manifest = self.kept(registry, repository, digest)
        if manifest is None:
            self.rate_limit.wait()
            manifest = self.registries[registry].get(repository, digest)
            self.keep(registry, repository, manifest)
        return manifest


@contextmanager
def prepared_replay(context: Context, *, dry_run: bool, honour_times: bool) -> Iterator[Replay]:
    """A replay into the ledger, or with `dry_run` into one that is forgotten."""
    if not dry_run:
        learn_all(context)
    policies = context.policies.current()
    if not honour_times:
        policies = always_in_force(policies)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(DryLedger(context.ledger))) if dry_run else context.ledger
        found = stack.enter_context(closing(FoundViolations()))
        pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="replay"))
        rate_limit = RateLimit(context.settings.sweep_rate)
        reader = RateLimitedReader(context.kept, context.registries, rate_limit, ledger.keep)
        enrichment = Enrichment(policies, context.registries, reader.read, ReplayedPushes())

        def enrich(events: Sequence[Event]) -> list[Event]:
            enrichment.note_pushes(events)
            return enrichment.enrich_all(events, pool)

        yield Replay(Judge(ledger, policies, context.settings.late_window), enrich, found)
