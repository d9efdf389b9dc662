"""Replay: judge archived events, as if they came now and in their own order, whatever the order in which they are."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice

from enforcer.events import Event
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import Violation, violation_id
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository, TagName
from enforcer.policies.policy_set import PolicySet
from enforcer.times import Time
from worker.context import Context
from worker.judging.effects import Decided
from worker.judging.enrichment import Enrichment, Reader
from worker.judging.judge import Judge
from worker.rate_limit import RateLimit
from worker.recovery.dry_ledger import DryLedger

BEGINNING = Time("0001-01-01T00:00:00Z")

BATCH = 1000
"""Events judged at once."""

THREADS = 8
"""Manifests read side by side, of events that leave out what only those tell."""


class Found:
    """The violations that were found, in a file that vanishes with it."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE violations (id TEXT PRIMARY KEY, time TEXT, violation TEXT)")

    def close(self) -> None:
        """Forget all of them."""
        self._database.close()

    def add(self, violation: Violation) -> None:
        """One more violation, or one that was found before, as it is now."""
        values = (violation.id, violation.time, json.dumps(violation.as_dict()))
        self._database.execute("REPLACE INTO violations VALUES (?, ?, ?)", values)

    def withdraw(self, violation_id: str) -> None:
        """It turned out to be none."""
        self._database.execute("DELETE FROM violations WHERE id = ?", (violation_id,))

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM violations").fetchone()[0])

    def __iter__(self) -> Iterator[Violation]:
        """All of them, by time."""
        for (text,) in self._database.execute("SELECT violation FROM violations ORDER BY time, id"):
            yield Violation.from_dict(json.loads(text))


@dataclass(slots=True)
class Report:
    """What a replay did: how many events ended in which decision."""

    events: int = 0
    rejected: int = 0
    decisions: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Replay:
    """Judges events that are in order; `describe` adds what they leave out."""

    judge: Judge
    describe: Callable[[Sequence[Event]], Sequence[Event]]
    found: Found
    report: Report = field(default_factory=Report)

    def run(self, events: Iterator[Event]) -> Iterator[tuple[int, Decided]]:
        """Judge a batch at a time; yields how many events that were and what was decided."""
        while batch := list(islice(events, BATCH)):
            now = Time.now()
            decided = list(self.judge.judge(Arrival(event, now) for event in self.describe(batch)))
            self.report.events += len(batch)
            self._count(decided, {event.id for event in batch})
            yield len(batch), decided

    def _count(self, decided: Decided, ids: set[str]) -> None:
        """Count the decisions of these events. What they changed in others counts for the violations alone."""
        ours: dict[tuple[TagName, tuple[str, ...]], Decision] = {}
        for name, judged in decided:
            for order, entry in judged.entries.items():
                is_ours = entry.event.id in ids
                if is_ours:
                    ours[name, order] = entry.decision
                if not (is_ours or judged.changed):
                    continue
                if entry.decision.is_violation:
                    self.found.add(Violation.of(name, entry))
                elif order in judged.rejudged:
                    self.found.withdraw(violation_id(entry.event))
        self.report.decisions.update(ours.values())


def always_in_force(policies: PolicySet) -> PolicySet:
    """The policies as if they had always been there; unlocks are of their own time."""
    return PolicySet((replace(policy, effective_since=BEGINNING) for policy in policies), unlocks=policies.unlocks)


@contextmanager
def prepared_replay(context: Context, *, dry_run: bool, honour_times: bool) -> Iterator[Replay]:
    """A replay into the ledger, or with `dry_run` into one that is forgotten."""
    policies = context.policies.current()
    if not honour_times:
        policies = always_in_force(policies)
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(DryLedger(context.ledger))) if dry_run else context.ledger
        found = stack.enter_context(closing(Found()))
        pool = stack.enter_context(ThreadPoolExecutor(THREADS, thread_name_prefix="replay"))
        read = paced_reader(context, RateLimit(context.settings.sweep_rate), keeping=not dry_run)
        descriptions = Enrichment(context, policies=policies, read=read)
        describe = partial(descriptions.of_all, pool=pool)
        yield Replay(Judge(ledger, policies, late_window=None), describe, found)


def paced_reader(context: Context, pace: RateLimit, *, keeping: bool) -> Reader:
    """What reads manifests that are not kept, no faster than the pace."""

    def read(registry: RegistryName, repository: Repository, digest: Digest) -> Manifest:
        manifest = context.kept(registry, repository, digest)
        if manifest is None:
            pace.wait()
            manifest = context.registries[registry].get(repository, digest)
            if keeping:
                context.ledger.keep(registry, repository, manifest)
        return manifest

    return read
