"""A ledger on which decisions change nothing, for a replay that only shows its result."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from enforcer.judgement.record import Entry, Record, TagState
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.store.kept_manifests import Keeping
from enforcer.store.ledger import Change, Deletions, Ledger, RepositoryKey

_TABLES = """
CREATE TABLE states (place TEXT, tag TEXT, version INTEGER, state TEXT, PRIMARY KEY (place, tag));
CREATE TABLE digests (place TEXT, digest TEXT, tag TEXT, PRIMARY KEY (place, digest, tag));
CREATE TABLE deletions (place TEXT, digest TEXT, deletion TEXT, PRIMARY KEY (place, digest, deletion));
CREATE TABLE entries (name TEXT, time TEXT, arrived TEXT, id TEXT, entry TEXT, PRIMARY KEY (name, time, arrived, id));
"""
_TRIM = (
    "DELETE FROM entries WHERE rowid IN (SELECT rowid FROM entries WHERE name = ? ORDER BY time DESC, arrived DESC, \
id DESC LIMIT -1 OFFSET ?)"
)

CHUNK = 1000
"""Tags compared with the ledger below at once."""


class DryLedger(Ledger):
    """Writes stay beside the ledger below, in a temporary file, and are read again from there."""

    def __init__(self, below: Ledger) -> None:
        self._below = below
        self.history_limit = below.history_limit
        self._database = sqlite3.connect("")
        self._database.executescript(_TABLES)

    def close(self) -> None:
        """Forget all of it."""
        self._database.close()

    def states(self, names: Iterable[TagName]) -> dict[TagName, TagState]:
        """The state that each tag would have."""
        wanted = list(names)
        above = {name: state for name in wanted if (state := self._state_above(name)) is not None}
        below = self._below.states(name for name in wanted if name not in above)
        return {name: above.get(name) or below[name] for name in wanted}

    def situations(self, names: Iterable[TagName]) -> tuple[dict[TagName, TagState], dict[RepositoryKey, Deletions]]:
        """The state that each tag would have, and the deleted manifests of its repository."""
        wanted = list(names)
        deletions = self._below.situations(wanted)[1]
        return self.states(wanted), {place: self._deletions(place, below) for place, below in deletions.items()}

    def note_deletions(self, deletions: Iterable[tuple[RepositoryKey, Digest, str]]) -> list[list[TagName]]:
        """Note deletions of manifests; returns the tags that would need each, or would have needed it once."""
        noted = list(deletions)
        rows = ((_text(place), digest, deletion) for place, digest, deletion in noted)
        self._database.executemany("REPLACE INTO deletions VALUES (?, ?, ?)", rows)
        return [
            sorted({*self._below.tags_of(place, digest), *self.tags_of(place, digest)}, key=str)
            for place, digest, _ in noted
        ]

    def tags_of(self, place: RepositoryKey, digest: Digest) -> list[TagName]:
        """The tags that would need a manifest, or would have needed it once, by what is written here."""
        query = "SELECT tag FROM digests WHERE place = ? AND digest = ?"
        return [TagName(*place, Tag(tag)) for (tag,) in self._database.execute(query, (_text(place), digest))]

    def _deletions(self, place: RepositoryKey, below: Deletions) -> Deletions:
        by_digest: dict[str, list[str]] = defaultdict(list)
        for digest, noted in below.by_digest.items():
            by_digest[digest] += noted
        query = "SELECT digest, deletion FROM deletions WHERE place = ?"
        for digest, deletion in self._database.execute(query, (_text(place),)):
            by_digest[digest].append(deletion)
        return Deletions(by_digest=by_digest)

    def tags(self, registry: RegistryName, repository: Repository) -> dict[Tag, TagState]:
        """The states that the tags of a repository would have."""
        query = "SELECT tag, state, version FROM states WHERE place = ?"
        rows = self._database.execute(query, (_text((registry, repository)),))
        above = {Tag(tag): TagState.from_json(text, version) for tag, text, version in rows}
        return self._below.tags(registry, repository) | above

    def histories(self, names: Iterable[TagName]) -> dict[TagName, tuple[Entry, ...]]:
        """The history that each tag would have."""
        found = {}
        for name, entries in self._below.histories(names).items():
            rows = self._database.execute("SELECT entry FROM entries WHERE name = ?", (str(name),))
            above = (Entry.from_json(text, name) for (text,) in rows)
            known = {entry.event.order: entry for entry in (*entries, *above)}
            found[name] = tuple(known[order] for order in sorted(known)[-self.history_limit :])
        return found

    def keep(self, registry: RegistryName, repository: Repository, manifest: Manifest) -> Keeping:  # noqa: ARG002 - the ledger's own form
        """Keep nothing: manifests that were read for a dry run are forgotten with it."""
        return Keeping(is_kept=False, used=0, largest=repository)

    def write(self, changes: Iterable[Change]) -> set[TagName]:
        """Remember decisions; no other worker writes here, so there are no conflicts."""
        with self._database:
            for change in changes:
                self._write_one(change)
        return set()

    def differences(self) -> Iterator[tuple[TagName, Record | None, Record | None]]:
        """Each tag whose record would be another, with that of the ledger below and the one that it would be."""
        rows = self._database.execute("SELECT place, tag, state, version FROM states ORDER BY place, tag")
        while chunk := list(islice(rows, CHUNK)):
            after = {
                TagName.parse(f"{place}:{tag}"): TagState.from_json(text, version).record
                for place, tag, text, version in chunk
            }
            for name, state in self._below.states(after).items():
                if state.record != after[name]:
                    yield name, state.record, after[name]

    def _state_above(self, name: TagName) -> TagState | None:
        query = "SELECT state, version FROM states WHERE place = ? AND tag = ?"
        row = self._database.execute(query, (_text(name.place), name.tag)).fetchone()
        return None if row is None else TagState.from_json(*row)

    def _write_one(self, change: Change) -> None:
        name, state, place = change.name, change.state, _text(change.name.place)
        values = (place, name.tag, state.version, state.to_json())
        self._database.execute("REPLACE INTO states VALUES (?, ?, ?, ?)", values)
        rows = [(str(name), *entry.event.order, entry.to_json()) for entry in change.entries]
        self._database.executemany("REPLACE INTO entries VALUES (?, ?, ?, ?, ?)", rows)
        needed = ((place, digest, name.tag) for digest in change.digests)
        self._database.executemany("REPLACE INTO digests VALUES (?, ?, ?)", needed)
        self._database.execute(_TRIM, (str(name), self.history_limit))


def _text(place: RepositoryKey) -> str:
    return "/".join(place)
