"""Violations: things with a life, from the event that broke a rule until the registry is right again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from enforcer.events import Action, Event
from enforcer.judgement.record import Decision, Entry
from enforcer.names import Digest, TagName
from enforcer.times import Time
from enforcer.validation.stored import known_fields


class State(StrEnum):
    """Where a violation is in its life."""

    OPEN = "open"
    RESTORED = "restored"
    IN_PLACE = "already in place"
    OBSERVED = "observed"
    APPROVED = "approved"
    RELEASED = "released"
    NOT_RESTORABLE = "not restorable"
    WITHDRAWN = "withdrawn"

    @property
    def is_unresolved(self) -> bool:
        """True while the registry is to be set right: each sweep tries again what cannot be restored now."""
        return self in (State.OPEN, State.NOT_RESTORABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An immutable tag was changed: what should be there, what was pushed, by whom, and what became of it.

    `time` is when it was done and `arrived` when we heard of it, both by Redis's clock as far as that is known.
    `exposure` is in milliseconds, from the event to the PUT that held; None as long as nothing holds. One is `doubtful`
    that may turn out to be a step of the build that made the tag: people are told of it only once that is unlikely.
    What was pushed may be an index that `lists_recorded`.
    The client that pushed the original claims to be `original_actor` from `original_address`.
    """

    id: str
    name: TagName
    kind: Decision
    recorded: Digest
    pushed: Digest | None
    time: Time
    arrived: Time
    event_id: str
    actor: str = ""
    address: str = ""
    user_agent: str = ""
    policies: tuple[int, ...] = ()
    state: State = State.OPEN
    exposure: int | None = None
    restores: int = 0
    problem: str = ""
    closed: Time | None = None
    doubtful: bool = False
    lists_recorded: bool = False
    told: bool = False
    original_time: Time | None = None
    original_actor: str = ""
    original_address: str = ""

    @classmethod
    def of(cls, name: TagName, entry: Entry) -> Self:
        """The violation that an entry of a tag's history is."""
        event = entry.event
        assert entry.record is not None and entry.protection is not None  # noqa: PT018 - rules 9 and 10 need both
        return cls(
            id=violation_id(event),
            name=name,
            kind=entry.decision,
            recorded=entry.record.digest,
            pushed=event.digest if event.action is Action.PUSH else None,
            time=event.when,
            arrived=event.arrived or event.when,
            event_id=event.id,
            actor=event.actor,
            address=event.address,
            user_agent=event.user_agent,
            policies=entry.protection.policies,
            state=State.OPEN if entry.protection.enforce else State.OBSERVED,
            doubtful=entry.is_doubtful,
            lists_recorded=entry.record.digest in event.children,
            told=not entry.protection.enforce,
            original_time=entry.record.time,
            original_actor=entry.record.actor,
            original_address=entry.record.address,
        )

    def as_dict(self) -> dict[str, Any]:
        """The violation for JSON."""
        # dataclasses.asdict would copy every value, which took a fifth of a replay with many violations
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "name"}
        return fields | {"registry": self.name.registry, "repository": self.name.repository, "tag": self.name.tag}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        name = TagName.parse(f"{fields['registry']}/{fields['repository']}:{fields['tag']}")
        given = known_fields(cls, fields)
        return cls(
            **given
            | {
                "name": name,
                "kind": Decision(given["kind"]),
                "recorded": Digest(given["recorded"]),
                "pushed": Digest(given["pushed"]) if given["pushed"] else None,
                "time": Time(given["time"]),
                "arrived": Time(given.get("arrived", given["time"])),
                "policies": tuple(given["policies"]),
                "state": State(given["state"]),
                "closed": Time(given["closed"]) if given["closed"] else None,
                "original_time": Time(given["original_time"]) if given.get("original_time") else None,
            }
        )

    @property
    def arrived_at(self) -> float:
        """When we heard of it, in seconds since 1970 by Redis's clock."""
        return self.arrived.nanoseconds / 1e9

    def renews(self, known: Violation | None) -> bool:
        """True if it is news: none is known under its id, or a withdrawn one, or one of another record."""
        return known is None or known.state is State.WITHDRAWN or known.recorded != self.recorded

    def closed_as(self, state: State, at: Time, *, exposure: int | None = None) -> Self:
        """The violation at the end of its life."""
        return replace(self, state=state, exposure=exposure, problem="", closed=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which violations are asked for; what is None does not matter.

    `since` is the earliest time of the event, to the millisecond.
    """

    registry: str | None = None
    repository: str | None = None
    state: State | None = None
    since: Time | None = None

    @property
    def needs_fields(self) -> bool:
        """True if the filter goes by more than the time."""
        return not (self.registry is None and self.repository is None and self.state is None)

    def takes(self, fields: dict[str, Any]) -> bool:
        """True for the JSON of a violation that is asked for."""
        return (
            (self.registry is None or fields["registry"] == self.registry)
            and (self.repository is None or fields["repository"] == self.repository)
            and (self.state is None or fields["state"] == self.state)
            and (self.since is None or _instant(fields["time"]) >= _instant(self.since))
        )


def violation_id(event: Event) -> str:
    """The id of the violation that an event may be: the same event, the same id, however often it comes."""
    text = f"{event.registry}\n{event.repository}\n{event.tag}\n{event.id}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _instant(time: str) -> str:
    """A time as text, cut to the milliseconds that violations are sorted by."""
    return time[: len("2026-11-22T04:06:40.594")]
