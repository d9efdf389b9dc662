"""Export and import: everything that cannot be read from a registry again, as JSON lines.

A line has a `kind`: `tag` (its state and its whole history), `manifest` (kept bytes, base64), `violation`, `policy`,
`unlock`, `namespace` (its number) or `survey` (when all of a repository was last looked at). Equal stores give equal
lines, so two exports are compared by sorting them.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from enforcer.errors import EnforcerError
from enforcer.judgement.record import Entry, TagState
from enforcer.judgement.violation import Filter, Violation
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.policies.policy import Policy
from enforcer.policies.unlock import Unlock
from enforcer.store.ledger import Change
from enforcer.store.log import Log
from enforcer.times import Time
from worker.context import Context
from worker.judging.enforcement_requests import EnforcementRequests
from worker.recovery.documents import Document
from worker.scanning.scan_times import ScanTimes

TAGS = 200
"""Tags whose histories are read at once."""


def export_state(context: Context) -> Iterator[str]:
    """The lines of everything; what is judged meanwhile may be in it or not."""
    repositories = sorted(set(context.ledger.repositories()))
    numbers = context.stores.namespaces.numbers()
    policies = context.policies.current()
    lines = chain(
        *(_repository(context, registry, repository) for registry, repository in repositories),
        (_line("violation", {"violation": violation.as_dict()}) for violation in context.violations.matching(Filter())),
        (_line("namespace", {"place": place, "number": number}) for place, number in numbers.items()),
        (_line("survey", {"place": place, "began": began}) for place, began in ScanTimes(context.redis).read().items()),
        (_line("unlock", unlock.as_dict()) for unlock in policies.unlocks),
        (_line("policy", policy.as_dict()) for policy in policies),
    )
    yield from lines


def _repository(context: Context, registry: RegistryName, repository: Repository) -> Iterator[str]:
    place = {"registry": registry, "repository": repository}
    states = context.ledger.tags(registry, repository)
    names = [TagName(registry, repository, tag) for tag in states]
    for start in range(0, len(names), TAGS):
        for name, history in context.ledger.histories(names[start : start + TAGS]).items():
            yield _line("tag", place | _tag(name, states[name.tag], history))
    seen: set[Digest] = set()
    for manifest in context.ledger.all_kept(registry, repository):
        if manifest.digest not in seen:
            yield _line("manifest", place | _manifest(manifest))
        seen.add(manifest.digest)


def export_events(log: Log) -> Iterator[str]:
    """The archive of accepted events, oldest first, in the form that a replay takes."""
    return (text.decode() for text in log.archive())


def _line(kind: str, fields: dict[str, Any]) -> str:
    return json.dumps({"kind": kind} | fields, sort_keys=True)


def _tag(name: TagName, state: TagState, history: Iterable[Entry]) -> dict[str, Any]:
    return {
        "tag": name.tag,
        "version": state.version,
        "standing": json.loads(state.to_json()),
        "history": [json.loads(entry.to_json()) for entry in history],
    }


def _manifest(manifest: Manifest) -> dict[str, Any]:
    content = base64.b64encode(manifest.content).decode()
    return {"digest": manifest.digest, "media_type": manifest.media_type, "content": content}


@dataclass(slots=True)
class Imported:
    """The result of an import: lines taken and lines left by kind, and the problems of others."""

    taken: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class Import:
    """Takes exported lines into a store. What is there already stays as it is, and is counted as left.

    So an import that was broken off is begun anew.
    """

    def __init__(self, context: Context) -> None:
        self.report = Imported()
        self._ledger = context.ledger
        self._policies = context.policies
        self._violations = context.violations
        self._requests = EnforcementRequests.of(context)
        self._namespaces = context.stores.namespaces
        self._scan_times = ScanTimes(context.redis)
        self._kinds: dict[str, Callable[[dict[str, Any]], bool]] = {
            "tag": self._take_tag,
            "manifest": self._take_manifest,
            "violation": self._take_violation,
            "namespace": lambda fields: self._namespaces.put_back(fields["place"], fields["number"]),
            "survey": lambda fields: self._scan_times.note(fields["place"], Time(fields["began"])),
            "unlock": lambda fields: context.stores.unlocks.put_back(Unlock.from_dict(fields)),
            "policy": lambda fields: self._policies.put_back(Policy.from_dict(fields)),
        }

    def run(self, documents: Iterable[Document]) -> Iterator[int]:
        """Take every line; yields how many there were so far.

        Policies come last, wherever they stand: with them workers begin to record what has no record yet.
        """
        count = 0
        policies: list[Document] = []
        for count, document in enumerate(documents, 1):
            if isinstance(document.value, dict) and document.value.get("kind") == "policy":
                policies.append(document)
            else:
                self._take(document)
            yield count
        for document in policies:
            self._take(document)

    def _take(self, document: Document) -> None:
        try:
            kind, taken = self._taken(document)
        except KeyError as error:
            self.report.problems.append(f"{document.where}: {error} is missing")
        except (EnforcerError, ValueError, TypeError, AttributeError) as error:
            self.report.problems.append(f"{document.where}: {error}")
        else:
            counter = self.report.taken if taken else self.report.left
            counter[kind] += 1

    def _taken(self, document: Document) -> tuple[str, bool]:
        if document.problem:
            raise ValueError(document.problem)
        fields = dict(document.value)
        kind = fields.pop("kind")
        if kind not in self._kinds:
            raise ValueError(f"unknown kind {kind!r}: this is no export, or one of a later release")
        return kind, self._kinds[kind](fields)

    def _take_tag(self, fields: dict[str, Any]) -> bool:
        registry, repository = _place(fields)
        name = TagName(registry, repository, Tag(fields["tag"]))
        state = TagState.from_json(json.dumps(fields["standing"]), fields["version"])
        entries = [Entry.from_json(json.dumps(entry), name) for entry in fields["history"]]
        return not self._ledger.write([Change(name, 0, state, entries)])

    def _take_manifest(self, fields: dict[str, Any]) -> bool:
        registry, repository = _place(fields)
        digest = Digest(fields["digest"])
        if self._ledger.keeps(registry, repository, digest):
            return False
        content = base64.b64decode(fields["content"], validate=True)
        manifest = Manifest.checked(content, fields["media_type"], digest)
        return self._ledger.keep(registry, repository, manifest).is_kept

    def _take_violation(self, fields: dict[str, Any]) -> bool:
        violation = Violation.from_dict(fields["violation"])
        if self._violations.get(violation.id) is not None:
            return False
        if violation.state.is_unresolved:
            # Before it is open: a process that dies in between begins anew with this line.
            self._requests.restore([violation.name])
        return bool(self._violations.open([violation]))


def _place(fields: dict[str, Any]) -> tuple[RegistryName, Repository]:
    return RegistryName(fields["registry"]), Repository(fields["repository"])
