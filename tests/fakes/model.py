"""What the rules of judgement say of one tag: all its events in their order, in plain Python.

It knows nothing of histories, versions, batches, lateness or workers; whatever those do must end in the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from enforcer.judgement.record import Record
from enforcer.names import Digest
from enforcer.times import Time


class Did(NamedTuple):
    """What somebody did; the deletion of the tag has no digest, that of a digest concerns the tag if it needs it.

    `children` are those of an index that was pushed, as far as anybody told; `own` those that the same actor is known
    to have pushed, and when. `arrived` is when that became known, where it matters; what `is_ours` counts by its own
    time all the same.
    """

    time: Time
    action: str
    digest: Digest | None
    actor: str = ""
    children: tuple[Digest, ...] = ()
    own: tuple[tuple[Digest, Time], ...] = ()
    arrived: Time | None = None
    is_ours: bool = False

    @property
    def times(self) -> list[Time]:
        """When a policy may have been in force."""
        return [self.time] if self.arrived is None or self.is_ours else [self.time, self.arrived]


class Rule(NamedTuple):
    """What a policy that is in force says; `settle` in seconds."""

    overwrite: bool = True
    delete: bool = True
    settle: float = 0
    enforce: bool = True


def binding(what: Did, rules_at: Callable[[Time], list[Rule]]) -> list[Rule]:
    """What was in force when it happened, or when it became known if that adds anything."""
    found: list[Rule] = []
    for time in what.times:
        found += rules_at(time)
        if all(any(getattr(rule, kind) for rule in found) for kind in ("overwrite", "delete", "enforce")):
            break
    return found


class Violation(NamedTuple):
    """What an event broke, what the tag should have been, and whether that is to be put right."""

    kind: str
    recorded: Digest
    enforce: bool


@dataclass
class Tag:
    """What is known of the tag; `build` are the overwrites that an index may still explain, by event."""

    digest: Digest
    since: Time
    settles: Time | None = None
    gone: bool = False
    approved: Digest | None = None
    children: tuple[Digest, ...] = ()
    client: str = ""
    build: dict[str, Digest] = field(default_factory=dict, compare=False)

    def is_built_on(self, index: Did) -> bool:
        """Whether an index is the end of the build that the tag is a part of."""
        own = {self.digest, *(child for child, time in index.own if time >= self.since)}
        return (
            self.is_settling(index.time)
            and self.digest in index.children
            and index.actor == self.client != ""
            and own.issuperset(index.children)
        )

    def is_settling(self, time: Time) -> bool:
        """Whether a build may still be going on."""
        return self.settles is not None and time <= self.settles


class Model:
    """One tag: what it must be after all that was done, and the violations by event."""

    def __init__(self, in_force: Callable[[Did], list[Rule]]) -> None:
        self.tag: Tag | None = None
        self.violations: dict[str, Violation] = {}
        self._in_force = in_force

    def take(self, did: Mapping[str, Did]) -> None:
        """Everything that was done, by the event's id, in any order."""
        for event_id, what in sorted(did.items(), key=_order):
            take = {"delete": self._delete, "approve": self._approve}.get(what.action, self._push)
            take(event_id, what)

    def _delete(self, event_id: str, what: Did) -> None:
        tag = self.tag
        if tag is None or tag.gone or what.digest not in (None, tag.digest, *tag.children):
            return
        rules = self._in_force(what)
        if any(rule.delete for rule in rules):
            self._violated(event_id, "deleted", tag, rules)
            self.tag = replace(tag, gone=True)
        else:
            self.tag = None

    def _approve(self, event_id: str, what: Did) -> None:
        if self.tag is not None and self.tag.digest != what.digest:
            self.tag = replace(self.tag, approved=what.digest)

    def _push(self, event_id: str, what: Did) -> None:
        assert what.digest is not None
        tag, rules = self.tag, self._in_force(what)
        approved = what.action == "adopt" or (tag is not None and tag.approved == what.digest)
        if tag is not None and tag.digest == what.digest:
            self.tag = replace(tag, gone=False, children=tag.children or what.children)
        elif approved or all(not rule.overwrite for rule in rules):
            self.tag = Tag(what.digest, what.time, children=what.children)
        elif tag is None:
            settle = max(rule.settle for rule in rules)
            settles = what.time.plus(settle) if settle else None
            self.tag = Tag(what.digest, what.time, settles, children=what.children, client=what.actor)
        elif tag.is_built_on(what):
            self._supersede(tag, what)
        else:
            self._overwrite(event_id, what, tag, rules)

    def _supersede(self, tag: Tag, index: Did) -> None:
        assert index.digest is not None
        for part, digest_of_part in tag.build.items():
            if digest_of_part in index.children:
                self.violations.pop(part, None)
        self.tag = replace(
            tag, digest=index.digest, since=index.time, children=index.children, gone=False, approved=None
        )

    def _overwrite(self, event_id: str, what: Did, tag: Tag, rules: list[Rule]) -> None:
        assert what.digest is not None
        if what.digest not in tag.children:
            self._violated(event_id, "overwritten", tag, rules)
            tag.build[event_id] = what.digest
        self.tag = replace(tag, gone=False)

    def _violated(self, event_id: str, kind: str, tag: Tag, rules: list[Rule]) -> None:
        self.violations[event_id] = Violation(kind, tag.digest, any(rule.enforce for rule in rules))


def tag_of(record: Record) -> Tag:
    """What a record in the ledger says, as the model says it."""
    return Tag(
        record.digest, record.time, record.settles, record.deleted, record.approved, record.children, _actor(record)
    )


def _actor(record: Record) -> str:
    return record.client.partition("@")[0]


def _order(item: tuple[str, Did]) -> tuple[str, str, str]:
    """Time, then arrival; where none is known, the smaller digest; deletions come first."""
    event_id, what = item
    if what.arrived is not None:
        return (what.time, what.arrived, event_id)
    return (what.time, "" if what.action == "delete" else what.digest or "", event_id)
