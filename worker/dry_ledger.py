"""A ledger on which decisions change nothing: a replay shows what it would do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice

from enforcer.ledger.record import Entry, Record, Standing
from enforcer.ledger.store import Change, Ledger
from enforcer.names import RegistryName, Repository, Tag, TagName

_TABLES = """
CREATE TABLE standings (place TEXT, tag TEXT, version INTEGER, standing TEXT, PRIMARY KEY (place, tag));
CREATE TABLE entries (name TEXT, time TEXT, digest TEXT, id TEXT, entry TEXT, PRIMARY KEY (name, time, digest, id));
"""
_TRIM = "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE name = ? ORDER BY time DESC, digest DESC, \
id DESC LIMIT -1 OFFSET ?)"

CHUNK = 1000
"""Tags compared with the ledger below at once."""


class DryLedger(Ledger):
    """What is written stays beside the ledger below, in a file that vanishes with it, and is read again from there."""

    def __init__(self, below: Ledger) -> None:
        self._below = below
        self.history_limit = below.history_limit
        self._database = sqlite3.connect("")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Forget all of it."""
        self._database.close()

    def standings(self, names: Iterable[TagName]) -> dict[TagName, Standing]:
        """What would be known of each tag."""
        wanted = list(names)
        above = {name: standing for name in wanted if (standing := self._standing(name)) is not None}
        below = self._below.standings(name for name in wanted if name not in above)
        return {name: above.get(name) or below[name] for name in wanted}

    def tags(self, registry: RegistryName, repository: Repository) -> dict[Tag, Standing]:
        """What would be known of every tag of a repository."""
        query = "SELECT tag, standing, version FROM standings WHERE place = ?"
        rows = self._database.execute(query, (f"{registry}/{repository}",))
        above = {Tag(tag): Standing.from_json(text, version) for tag, text, version in rows}
        return self._below.tags(registry, repository) | above

    def histories(self, names: Iterable[TagName]) -> dict[TagName, tuple[Entry, ...]]:
        """What would be the history of each tag."""
        found = {}
        for name, entries in self._below.histories(names).items():
            rows = self._database.execute("SELECT entry FROM entries WHERE name = ?", (str(name),))
            above = (Entry.from_json(text, name) for (text,) in rows)
            known = {entry.event.order: entry for entry in (*entries, *above)}
            found[name] = tuple(known[order] for order in sorted(known)[-self.history_limit :])
        return found

    def write(self, changes: Iterable[Change]) -> set[TagName]:
        """Remember decisions; nobody else can be quicker."""
        with self._database:
            for change in changes:
                self._write_one(change.name, change.standing, change.entries)
        return set()

    def differences(self) -> Iterator[tuple[TagName, Record | None, Record | None]]:
        """Each tag whose record would be another, with that of the ledger below and the one that it would be."""
        rows = self._database.execute("SELECT place, tag, standing, version FROM standings ORDER BY place, tag")
        while chunk := list(islice(rows, CHUNK)):
            after = {
                TagName.parse(f"{place}:{tag}"): Standing.from_json(text, version).record
                for place, tag, text, version in chunk
            }
            for name, standing in self._below.standings(after).items():
                if standing.record != after[name]:
                    yield name, standing.record, after[name]

    def _standing(self, name: TagName) -> Standing | None:
        query = "SELECT standing, version FROM standings WHERE place = ? AND tag = ?"
        row = self._database.execute(query, (_place(name), name.tag)).fetchone()
        return None if row is None else Standing.from_json(*row)

    def _write_one(self, name: TagName, standing: Standing, entries: Iterable[Entry]) -> None:
        values = (_place(name), name.tag, standing.version, standing.to_json())
        self._database.execute("REPLACE INTO standings VALUES (?, ?, ?, ?)", values)
        rows = [(str(name), *entry.event.order, entry.to_json()) for entry in entries]
        self._database.executemany("REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", rows)
        self._database.execute(_TRIM, (str(name), self.history_limit))


def _place(name: TagName) -> str:
    return f"{name.registry}/{name.repository}"
