"""Violations: things with a life, from the event that broke a rule until the registry is right again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from redis import Redis

from enforcer.events import Event
from enforcer.ledger.record import Decision, Entry
from enforcer.names import Digest, TagName
from enforcer.scripts import script
from enforcer.times import Time

KEPT = 100_000
"""How many violations are kept; beyond that the oldest are forgotten."""


class State(StrEnum):
    """Where a violation is in its life."""

    OPEN = "open"
    RESTORED = "restored"
    OBSERVED = "observed"
    NOT_RESTORABLE = "not restorable"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An immutable tag was changed: what should be there, what was pushed, by whom, and what became of it.

    `exposure` is in milliseconds, from the event to the PUT that held; None as long as nothing holds.
    """

    id: str
    name: TagName
    kind: Decision
    recorded: Digest
    pushed: Digest | None
    time: Time
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
            pushed=event.digest if event.digest != entry.record.digest else None,
            time=event.time,
            event_id=event.id,
            actor=event.actor,
            address=event.address,
            user_agent=event.user_agent,
            policies=entry.protection.policies,
            state=State.OPEN if entry.protection.enforce else State.OBSERVED,
        )

    def as_dict(self) -> dict[str, Any]:
        """The violation for JSON."""
        fields = asdict(self) | {
            "registry": self.name.registry,
            "repository": self.name.repository,
            "tag": self.name.tag,
        }
        del fields["name"]
        return fields

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        given = dict(fields)
        name = TagName.parse(f"{given.pop('registry')}/{given.pop('repository')}:{given.pop('tag')}")
        return cls(
            **given
            | {
                "name": name,
                "kind": Decision(given["kind"]),
                "recorded": Digest(given["recorded"]),
                "pushed": Digest(given["pushed"]) if given["pushed"] else None,
                "time": Time(given["time"]),
                "policies": tuple(given["policies"]),
                "state": State(given["state"]),
                "closed": Time(given["closed"]) if given["closed"] else None,
            }
        )

    def closed_as(self, state: State, *, exposure: int | None = None) -> Self:
        """The violation at the end of its life."""
        return replace(self, state=state, exposure=exposure, problem="", closed=Time.now())


def violation_id(event: Event) -> str:
    """The id of the violation that an event may be: the same event, the same id, however often it comes."""
    text = f"{event.registry}\n{event.repository}\n{event.tag}\n{event.id}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Violations:
    """All violations in Redis, newest first, and the open ones of each tag."""

    _ALL = "te:{violations}"
    _TIMES = "te:{violations}:times"
    _OPEN = "te:{violations}:open"

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._open = script(redis, "enforcer", "open_violation.lua")

    def open(self, violations: Iterable[Violation]) -> list[Violation]:
        """Add violations; returns those that were not known before."""
        given = list(violations)
        with self._redis.pipeline(transaction=False) as pipe:
            for violation in given:
                arguments: list[str | int] = [
                    violation.id,
                    json.dumps(violation.as_dict()),
                    violation.time.nanoseconds // 1_000_000,
                ]
                arguments += [f"{violation.name} " if violation.state is State.OPEN else "", KEPT]
                self._open(keys=[self._ALL, self._TIMES, self._OPEN], args=arguments, client=pipe)
            answers = pipe.execute()
        return [violation for violation, new in zip(given, answers, strict=True) if new]

    def get(self, violation_id: str) -> Violation | None:
        """One violation by its id."""
        text = self._redis.hget(self._ALL, violation_id)
        return None if text is None else Violation.from_dict(json.loads(text))

    def get_open(self, name: TagName) -> list[Violation]:
        """The open violations of a tag."""
        members = self._redis.zrangebylex(self._OPEN, f"[{name} ", f"({name}!")
        found = (self.get(member.decode().rpartition(" ")[2]) for member in members)
        return [violation for violation in found if violation is not None]

    def count_open(self) -> int:
        """How many violations are open."""
        return int(self._redis.zcard(self._OPEN))

    def update(self, violation: Violation) -> None:
        """Write what became of a violation."""
        with self._redis.pipeline() as pipe:
            pipe.hset(self._ALL, violation.id, json.dumps(violation.as_dict()))
            if violation.state is not State.OPEN:
                pipe.zrem(self._OPEN, f"{violation.name} {violation.id}")
            pipe.execute()

    def newest(self, *, limit: int = 100) -> Iterator[Violation]:
        """The violations, newest first."""
        ids = self._redis.zrevrange(self._TIMES, 0, limit - 1)
        for violation_id in ids:
            found = self.get(violation_id.decode())
            if found is not None:
                yield found
