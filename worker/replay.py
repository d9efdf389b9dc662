"""Replay: judge archived events as if they came now, in their own order, whatever the order in which they are given.

Events are sorted by their time first, in files of a temporary directory, so memory does not grow with what is read.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from enforcer.errors import InvalidName
from enforcer.events import Event
from enforcer.ledger.record import Entry, Standing
from enforcer.ledger.store import Change, Ledger
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.notifications import distribution, harbor
from enforcer.notifications.reading import Reading, Rejected
from enforcer.policies.policy import PolicySet
from enforcer.times import Time
from enforcer.violations import Violation
from worker.documents import Document
from worker.judging import Case, Judge, Judged

BEGINNING = Time("0001-01-01T00:00:00Z")

CHUNK = 20_000
"""Events that are sorted in memory at a time."""

BATCH = 1000
"""Events judged at once."""


@dataclass(frozen=True, slots=True)
class Archive:
    """How archived documents are read: foreign ones belong to `registry`; only events of that time count."""

    registry: RegistryName
    since: Time | None = None
    until: Time | None = None

    def read(self, document: Document) -> Reading:
        """The events of one document, whichever of the known formats it has."""
        content = document.text.encode(errors="replace")
        if document.problem:
            return Reading(rejected=(Rejected(document.problem, content),))
        reading = self._read(document.value, content)
        return Reading(tuple(event for event in reading.events if self._is_asked_for(event)), reading.rejected)

    def _read(self, value: Any, content: bytes) -> Reading:
        if isinstance(value, dict) and "events" in value:
            return distribution.read(content, self.registry)
        if isinstance(value, dict) and ("event_data" in value or "specversion" in value):
            return harbor.read(content, self.registry)
        try:
            return Reading((Event.from_dict(value),))
        except (InvalidName, KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"neither a notification of Distribution or Harbor nor an exported event: {error}"
            return Reading(rejected=(Rejected(text, content),))

    def _is_asked_for(self, event: Event) -> bool:
        return (self.since is None or event.time >= self.since) and (self.until is None or event.time < self.until)


class Sorter:
    """Sorts any number of events by their own order."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting: list[Event] = []
        self._files: list[Path] = []
        self.count = 0

    def add(self, event: Event) -> None:
        """Take one more event."""
        self._waiting.append(event)
        self.count += 1
        if len(self._waiting) >= CHUNK:
            self._spill()

    def _spill(self) -> None:
        path = self._directory / f"{len(self._files)}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for event in sorted(self._waiting, key=lambda event: event.order):
                file.write(event.to_json() + "\n")
        self._files.append(path)
        self._waiting.clear()

    def sorted(self) -> Iterator[Event]:
        """All of them, in order."""
        self._spill()
        with ExitStack() as stack:
            files = [stack.enter_context(path.open(encoding="utf-8")) for path in self._files]
            streams = [map(Event.from_json, file) for file in files]
            yield from heapq.merge(*streams, key=lambda event: event.order)


@dataclass(slots=True)
class Report:
    """What a replay did: how many events ended in which decision, and the violations among them."""

    events: int = 0
    rejected: int = 0
    decisions: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def take(self, name: TagName, judged: Judged) -> None:
        """Count what was decided of one tag. An event that was judged before counts as what it was then."""
        for entry in judged.entries.values():
            self.decisions[entry.decision] += 1
            if entry.decision.is_violation:
                self.violations.append(Violation.of(name, entry))


class Replay:
    """Reads archives, then judges what they hold: with no limit on lateness, on the given policies."""

    def __init__(self, ledger: Ledger, policies: PolicySet, archive: Archive) -> None:
        self.report = Report()
        self._judge = Judge(ledger, policies, late_window=None)
        self._archive = archive

    def read(self, documents: Iterable[Document], sorter: Sorter) -> Iterator[Rejected]:
        """Take all events of the documents; yields what was not understood."""
        for document in documents:
            reading = self._archive.read(document)
            for event in reading.events:
                sorter.add(event)
            self.report.rejected += len(reading.rejected)
            for rejected in reading.rejected:
                yield replace(rejected, reason=f"{document.where}: {rejected.reason}")

    def judge(self, events: Iterator[Event]) -> Iterator[tuple[int, list[tuple[TagName, Judged]]]]:
        """Judge events in their order; yields how many and what was decided, a batch at a time."""
        while batch := list(islice(events, BATCH)):
            now = Time.now()
            decided = list(self._judge.judge(Case(event, now) for event in batch))
            self.report.events += len(batch)
            for name, judged in decided:
                self.report.take(name, judged)
            yield len(batch), decided


class DryLedger(Ledger):
    """A ledger on which decisions change nothing: what is written is remembered here, and read again from here."""

    def __init__(self, ledger: Ledger) -> None:
        self._below = ledger
        self._standings: dict[TagName, Standing] = {}
        self._entries: dict[TagName, dict[tuple[str, str, str], Entry]] = defaultdict(dict)
        self.history_limit = ledger.history_limit

    def standings(self, names: Iterable[TagName]) -> dict[TagName, Standing]:
        """What would be known of each tag."""
        wanted = list(names)
        below = self._below.standings(name for name in wanted if name not in self._standings)
        return {name: self._standings.get(name) or below[name] for name in wanted}

    def tags(self, registry: RegistryName, repository: Repository) -> dict[Tag, Standing]:
        """What would be known of every tag of a repository."""
        above = {
            name.tag: standing
            for name, standing in self._standings.items()
            if (name.registry, name.repository) == (registry, repository)
        }
        return self._below.tags(registry, repository) | above

    def histories(self, names: Iterable[TagName]) -> dict[TagName, tuple[Entry, ...]]:
        """What would be the history of each tag."""
        found = {}
        for name, entries in self._below.histories(names).items():
            known = {entry.event.order: entry for entry in entries} | self._entries[name]
            found[name] = tuple(known[order] for order in sorted(known)[-self.history_limit :])
        return found

    def write(self, changes: Iterable[Change]) -> set[TagName]:
        """Remember decisions; nobody else can be quicker."""
        for change in changes:
            self._standings[change.name] = change.standing
            self._entries[change.name] |= {entry.event.order: entry for entry in change.entries}
        return set()


def always_in_force(policies: PolicySet) -> PolicySet:
    """The policies as if they had always been there."""
    return PolicySet(replace(policy, effective_since=BEGINNING) for policy in policies)
