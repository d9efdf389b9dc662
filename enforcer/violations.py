"""Violations: things with a life, from the event that broke a rule until the registry is right again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

from redis import Redis

from enforcer.events import Action, Event
from enforcer.ledger.record import Decision, Entry
from enforcer.names import Digest, TagName
from enforcer.scripts import script
from enforcer.times import Time

KEPT = 100_000
"""How many violations are kept; beyond that the oldest are forgotten."""

CHUNK = 1000
"""Violations read at once."""


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
        """Whether the registry is still to be set right: what cannot be restored now is tried again by each sweep."""
        return self in (State.OPEN, State.NOT_RESTORABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """An immutable tag was changed: what should be there, what was pushed, by whom, and what became of it.

    `exposure` is in milliseconds, from the event to the PUT that held; None as long as nothing holds. One is `doubtful`
    that may turn out to be a step of the build that made the tag: people are told of it only once that is unlikely.
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
    doubtful: bool = False
    told: bool = False

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
            time=event.time,
            event_id=event.id,
            actor=event.actor,
            address=event.address,
            user_agent=event.user_agent,
            policies=entry.protection.policies,
            state=State.OPEN if entry.protection.enforce else State.OBSERVED,
            doubtful=entry.is_doubtful,
            told=not entry.protection.enforce,
        )

    def as_dict(self) -> dict[str, Any]:
        """The violation for JSON."""
        # dataclasses.asdict would copy every value, which took a fifth of a replay with many violations
        fields = {name: getattr(self, name) for name in self.__slots__ if name != "name"}
        return fields | {"registry": self.name.registry, "repository": self.name.repository, "tag": self.name.tag}

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

    def renews(self, known: Violation | None) -> bool:
        """Whether it is news beside what is known under its id: nothing, one withdrawn, or one of another record."""
        return known is None or known.state is State.WITHDRAWN or known.recorded != self.recorded

    def closed_as(self, state: State, *, exposure: int | None = None) -> Self:
        """The violation at the end of its life."""
        return replace(self, state=state, exposure=exposure, problem="", closed=Time.now())


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
        """Whether the time alone does not tell."""
        return not (self.registry is None and self.repository is None and self.state is None)

    def takes(self, fields: dict[str, Any]) -> bool:
        """Whether a violation is asked for, by its JSON."""
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


class Violations:
    """All violations in Redis, newest first, and the open ones of each tag."""

    _ALL = "te:{violations}"
    _TIMES = "te:{violations}:times"
    _OPEN = "te:{violations}:open"

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._open = script(redis, "enforcer", "open_violation.lua")
        self._update = script(redis, "enforcer", "update_violation.lua")

    def open(self, violations: Iterable[Violation]) -> list[Violation]:
        """Add violations; returns those that are news, as `Violation.renews` says. Others stay what they became."""
        given = list(violations)
        with self._redis.pipeline(transaction=False) as pipe:
            for violation in given:
                arguments: list[str | int] = [
                    violation.id,
                    json.dumps(violation.as_dict()),
                    violation.time.nanoseconds // 1_000_000,
                ]
                arguments += [f"{violation.name} " if violation.state.is_unresolved else "", KEPT]
                self._open(keys=[self._ALL, self._TIMES, self._OPEN], args=arguments, client=pipe)
            answers = pipe.execute()
        return [violation for violation, new in zip(given, answers, strict=True) if new]

    def get(self, violation_id: str) -> Violation | None:
        """One violation by its id."""
        text = self._redis.hget(self._ALL, violation_id)
        return None if text is None else Violation.from_dict(json.loads(text))

    def known(self, ids: Iterable[str]) -> dict[str, Violation]:
        """Violations by their ids, in one round trip; what nobody knows is left out."""
        found = (Violation.from_dict(fields) for fields in self._read([each.encode() for each in ids]))
        return {violation.id: violation for violation in found}

    def get_open(self, name: TagName) -> list[Violation]:
        """The open violations of a tag."""
        members = self._redis.zrangebylex(self._OPEN, f"[{name} ", f"({name}!")
        return list(self.known(member.decode().rpartition(" ")[2] for member in members).values())

    def count_open(self) -> int:
        """How many violations are open."""
        return int(self._redis.zcard(self._OPEN))

    def update(self, violation: Violation) -> None:
        """Write what became of a violation, unless it was withdrawn meanwhile, or is one of another record now."""
        closed = "" if violation.state.is_unresolved else f"{violation.name} {violation.id}"
        arguments = [violation.id, json.dumps(violation.as_dict()), closed]
        self._update(keys=[self._ALL, self._OPEN], args=arguments)

    def forget(self, violation: Violation) -> None:
        """Remove what turned out to be none before anybody was told."""
        with self._redis.pipeline() as pipe:
            pipe.hdel(self._ALL, violation.id)
            pipe.zrem(self._TIMES, violation.id)
            pipe.zrem(self._OPEN, f"{violation.name} {violation.id}")
            pipe.execute()

    def newest(self, *, limit: int = 100) -> Iterator[Violation]:
        """The violations, newest first."""
        yield from self.page(Filter(), limit=limit)[1]

    def matching(self, wanted: Filter) -> Iterator[Violation]:
        """The violations that are asked for, newest first; no more is read than is taken."""
        is_open = wanted.state is not None and wanted.state.is_unresolved
        found = self._open_since(wanted) if is_open else filter(wanted.takes, self._since(wanted.since))
        yield from map(Violation.from_dict, found)

    def page(self, wanted: Filter, *, limit: int, offset: int = 0) -> tuple[int, list[Violation]]:
        """How many violations are asked for, and those of one page, newest first.

        By time alone this reads no more than the page, and of open violations no more than those; any other filter
        reads all that are kept since that time.
        """
        if wanted.state is not None and wanted.state.is_unresolved:
            found = self._open_since(wanted)
        elif wanted.needs_fields:
            found = [fields for fields in self._since(wanted.since) if wanted.takes(fields)]
        else:
            return self._count(wanted.since), self._slice(wanted.since, offset, limit)
        return len(found), [Violation.from_dict(fields) for fields in found[offset : offset + limit]]

    def _open_since(self, wanted: Filter) -> list[dict[str, Any]]:
        members = self._redis.zrange(self._OPEN, 0, -1)
        fields = self._read([member.rpartition(b" ")[2] for member in members])
        # Ties are broken as Redis does it for all: the larger id first.
        return sorted(filter(wanted.takes, fields), key=lambda one: (_instant(one["time"]), one["id"]), reverse=True)

    def _since(self, since: Time | None) -> Iterator[dict[str, Any]]:
        """The JSON of all violations, newest first, a chunk at a time. New ones meanwhile do not come in between."""
        ids = self._redis.zrevrangebyscore(self._TIMES, "+inf", _score(since))
        for start in range(0, len(ids), CHUNK):
            yield from self._read(ids[start : start + CHUNK])

    def _slice(self, since: Time | None, offset: int, limit: int) -> list[Violation]:
        ids = self._redis.zrevrangebyscore(self._TIMES, "+inf", _score(since), start=offset, num=limit)
        return [Violation.from_dict(fields) for fields in self._read(ids)]

    def _count(self, since: Time | None) -> int:
        return int(self._redis.zcount(self._TIMES, _score(since), "+inf"))

    def _read(self, ids: Sequence[bytes]) -> list[dict[str, Any]]:
        texts = self._redis.hmget(self._ALL, ids) if ids else []
        return [json.loads(text) for text in texts if text is not None]


def _instant(time: str) -> str:
    """A time as text, cut to the milliseconds that violations are sorted by."""
    return time[: len("2026-11-22T04:06:40.594")]


def _score(since: Time | None) -> int | str:
    """The same as a number: milliseconds since 1970."""
    return "-inf" if since is None else since.nanoseconds // 1_000_000
