"""Export and import: everything that cannot be read from a registry again, as JSON lines.

A line has a `kind`: `policy`, `tag` (its standing and its whole history) or `manifest` (kept bytes, base64). Equal
stores give equal lines, so two exports are compared by sorting them.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from enforcer.errors import EnforcerError
from enforcer.ledger.record import Entry, Standing
from enforcer.ledger.store import Change, Ledger
from enforcer.log import Log
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.policies.policy import Policy
from enforcer.policies.store import PolicyStore
from enforcer.registries.manifest import Manifest
from worker.documents import Document

TAGS = 200
"""Tags whose histories are read at once."""


def export_state(ledger: Ledger, policies: PolicyStore) -> Iterator[str]:
    """The lines of everything."""
    for policy in policies.current():
        yield _line("policy", policy.as_dict())
    for registry, repository in ledger.repositories():
        place = {"registry": registry, "repository": repository}
        standings = ledger.tags(registry, repository)
        names = [TagName(registry, repository, tag) for tag in standings]
        for start in range(0, len(names), TAGS):
            for name, history in ledger.histories(names[start : start + TAGS]).items():
                yield _line("tag", place | _tag(name, standings[name.tag], history))
        for manifest in ledger.all_kept(registry, repository):
            yield _line("manifest", place | _manifest(manifest))


def export_events(log: Log) -> Iterator[str]:
    """The archive of accepted events, oldest first, in the form that a replay takes."""
    return (text.decode() for text in log.archive())


def _line(kind: str, fields: dict[str, Any]) -> str:
    return json.dumps({"kind": kind} | fields, sort_keys=True)


def _tag(name: TagName, standing: Standing, history: Iterable[Entry]) -> dict[str, Any]:
    return {
        "tag": name.tag,
        "version": standing.version,
        "standing": json.loads(standing.to_json()),
        "history": [json.loads(entry.to_json()) for entry in history],
    }


def _manifest(manifest: Manifest) -> dict[str, Any]:
    content = base64.b64encode(manifest.content).decode()
    return {"digest": manifest.digest, "media_type": manifest.media_type, "content": content}


@dataclass(slots=True)
class Imported:
    """What an import did: lines taken and lines left by kind, and what was wrong with others."""

    taken: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Import:
    """Takes exported lines into a store. What is there already stays as it is, and is counted as left."""

    def __init__(self, ledger: Ledger, policies: PolicyStore) -> None:
        self.report = Imported()
        self._ledger = ledger
        self._policies = policies
        self._kinds = {"policy": self._take_policy, "tag": self._take_tag, "manifest": self._take_manifest}

    def run(self, documents: Iterable[Document]) -> Iterator[int]:
        """Take every line; yields how many there were so far."""
        for count, document in enumerate(documents, 1):
            try:
                self._take(document)
            except (EnforcerError, ValueError, KeyError, TypeError, AttributeError) as error:
                self.report.problems.append(f"{document.where}: {document.problem or error}")
            yield count

    def _take(self, document: Document) -> None:
        if document.problem:
            raise ValueError(document.problem)
        kind = document.value["kind"]
        if kind not in self._kinds:
            raise ValueError(f"unknown kind {kind!r}")
        counter = self.report.taken if self._kinds[kind](document.value) else self.report.left
        counter[kind] += 1

    def _take_policy(self, fields: dict[str, Any]) -> bool:
        del fields["kind"]
        return self._policies.put_back(Policy.from_dict(fields))

    def _take_tag(self, fields: dict[str, Any]) -> bool:
        registry, repository = _place(fields)
        name = TagName(registry, repository, Tag(fields["tag"]))
        standing = Standing.from_json(json.dumps(fields["standing"]), fields["version"])
        entries = [Entry.from_json(json.dumps(entry), name) for entry in fields["history"]]
        return not self._ledger.write([Change(name, 0, standing, entries)])

    def _take_manifest(self, fields: dict[str, Any]) -> bool:
        registry, repository = _place(fields)
        digest = Digest(fields["digest"])
        if self._ledger.keeps(registry, repository, digest):
            return False
        content = base64.b64decode(fields["content"], validate=True)
        self._ledger.keep(registry, repository, Manifest.checked(content, fields["media_type"], digest))
        return True


def _place(fields: dict[str, Any]) -> tuple[RegistryName, Repository]:
    return RegistryName(fields["registry"]), Repository(fields["repository"])
