"""Records and the history behind them, as values; `store` keeps them in Redis."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from enforcer.events import Event, Order
from enforcer.names import Digest, TagName
from enforcer.policies.policy import Protection
from enforcer.times import Time

AHEAD = 300
"""Seconds by which the clock of Redis, or of whoever was believed before it, may be ahead of ours."""

NOWHERE: Order = ("", "", "")
"""Before the place of every event."""


class Decision(StrEnum):
    """The meaning of an event for its tag; the numbers are those of `rules`."""

    MOVED = "moved"  # 2
    NOTED = "noted"  # 3
    RECORDED = "recorded"  # 4
    UNCHANGED = "unchanged"  # 5
    SUPERSEDED = "superseded"  # 6
    PART = "part"  # 6, a child of that index
    CORRECTED = "corrected"  # 7
    APPROVED = "approved"  # 8
    OVERWRITTEN = "overwritten"  # 9, a violation
    DELETED = "deleted"  # 10, a violation
    REMOVED = "removed"  # 11

    @property
    def is_violation(self) -> bool:
        """True if the registry must be set right and people told."""
        return self in (Decision.OVERWRITTEN, Decision.DELETED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The digest that a tag must have.

    `client` pushed it; until the time `settles` an index of that client which lists the digest may take its place;
    `deleted` says that the tag was deleted and not pushed since; `approved` is the digest that an operator expects
    next. `event` is the id of the push that made it, and `actor` and `address` what that claims: evidence, by which it
    is no other record.
    """

    digest: Digest
    time: Time
    media_type: str = ""
    children: tuple[Digest, ...] = ()
    settles: Time | None = None
    client: str = ""
    deleted: bool = False
    approved: Digest | None = None
    event: str = field(default="", compare=False)
    actor: str = field(default="", compare=False)
    address: str = field(default="", compare=False)

    def is_settling(self, time: Time) -> bool:
        """True while a build may still be going on that the record is a part of."""
        return self.settles is not None and time <= self.settles

    @property
    def digests(self) -> tuple[Digest, ...]:
        """The manifests without which the tag is broken: its own, and the children of its index."""
        return (self.digest, *self.children)

    def as_dict(self) -> dict[str, Any]:
        """The record for JSON, without what is empty."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(
            digest=Digest(fields["digest"]),
            time=Time(fields["time"]),
            media_type=fields.get("media_type", ""),
            children=tuple(Digest(child) for child in fields.get("children", ())),
            settles=Time(fields["settles"]) if "settles" in fields else None,
            client=fields.get("client", ""),
            deleted=fields.get("deleted", False),
            approved=Digest(fields["approved"]) if "approved" in fields else None,
            event=fields.get("event", ""),
            actor=fields.get("actor", ""),
            address=fields.get("address", ""),
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One event of a tag's history: the decision, the protection that it was made under, and the record from then on.

    A `late` entry came after `late_window`: it is kept as evidence and takes no part in the order of the others.
    """

    event: Event
    decision: Decision
    protection: Protection | None
    record: Record | None
    late: bool = False

    @property
    def is_doubtful(self) -> bool:
        """True if it may be a step of the build that made the tag: its own client, soon after, and no index."""
        event, record = self.event, self.record
        return (
            self.decision is Decision.OVERWRITTEN
            and record is not None
            and record.is_settling(event.when)
            and record.client == event.client != ""
            and not event.children
        )

    def to_json(self) -> str:
        """The entry as one line, without the names that its place in the ledger gives.

        Where event and record have the same children, these stand with the record alone: an index may list 1,000.
        """
        event = self.event.as_dict()
        has_same_children = self.record is not None and self.event.children == self.record.children != ()
        if has_same_children:
            del event["children"]
        for name in ("registry", "repository", "tag"):
            event.pop(name, None)
        fields: dict[str, Any] = {"event": event, "decision": self.decision}
        if self.protection:
            fields["protection"] = self.protection.as_dict()
        if self.record:
            fields["record"] = self.record.as_dict()
        if has_same_children:
            fields["same_children"] = True
        if self.late:
            fields["late"] = True
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes, name: TagName) -> Self:
        """Read what `to_json` wrote of an event of that tag."""
        fields = json.loads(text)
        names = {"registry": name.registry, "repository": name.repository, "tag": name.tag}
        protection = fields.get("protection")
        event = Event.from_dict(fields["event"] | names)
        record = Record.from_dict(fields["record"]) if "record" in fields else None
        if record and fields.get("same_children"):
            event = replace(event, children=record.children)
        return cls(
            event=event,
            decision=Decision(fields["decision"]),
            protection=Protection.from_dict(protection) if protection else None,
            record=record,
            late=fields.get("late", False),
        )


@dataclass(frozen=True, slots=True)
class TagState:
    """All that judging the next event of a tag needs: its record, and the place of its newest event.

    `told` is the latest time that an event of it told, whatever that is worth: one that comes again tells no later one.
    `version` counts the writes; a decision is written only on the version that it was judged on.
    """

    record: Record | None = None
    last: Order = NOWHERE
    version: int = 0
    told: str = ""

    def is_newest(self, event: Event) -> bool:
        """True if the event is later than all others of the tag, and surely none that is known."""
        return event.order > self.last and event.time > self.told

    def after(self, event: Event) -> TagState:
        """The places and times that are known after one more event."""
        return replace(self, last=max(self.last, event.order), told=max(self.told, event.time))

    def time_after(self, now: Time) -> Time:
        """Now, or just after the latest that is known of the tag, as the registry's clock may be ahead."""
        latest = self.last[0]
        return Time(latest).plus(1e-9) if now <= latest <= now.plus(AHEAD) else now

    def to_json(self) -> str:
        """The state as one line, without its version."""
        fields: dict[str, Any] = {"last": self.last, "told": self.told}
        if self.record:
            fields["record"] = self.record.as_dict()
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes, version: int) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        time, arrived, event_id = fields["last"]
        return cls(
            record=Record.from_dict(fields["record"]) if "record" in fields else None,
            last=(time, arrived, event_id),
            version=version,
            told=fields.get("told", time),
        )
