"""Violations: things with a life, from the event that broke a rule until the registry is right again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from redis import Redis

from enforcer.judgement.violation import Filter, Violation, _instant
from enforcer.names import TagName
from enforcer.store.lua import script
from enforcer.times import Time

KEPT = 100_000
"""How many violations are kept; beyond that the oldest closed ones are forgotten."""

MOST = 2 * KEPT
"""How many there are at most: beyond that the oldest are forgotten, even if they are open."""

CHUNK = 1000
"""Violations read at once."""


class Violations:
    """All violations in Redis, newest first, and the open ones of each tag."""

    _ALL = "te:{violations}"
    _TIMES = "te:{violations}:times"
    _OPEN = "te:{violations}:open"
    _CLOSED = "te:{violations}:closed"

    def __init__(self, redis: Redis, *, kept: int = KEPT, most: int = MOST, at_once: int = CHUNK) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._kept, self.most, self._at_once = kept, most, at_once
        self._open = script(redis, "violation_open")
        self._update = script(redis, "violation_update")

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
                arguments += [f"{violation.name} " if violation.state.is_unresolved else "", self._kept, self.most]
                self._open(keys=[self._ALL, self._TIMES, self._OPEN, self._CLOSED], args=arguments, client=pipe)
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
        self._update(keys=[self._ALL, self._OPEN, self._CLOSED, self._TIMES], args=arguments)

    def forget(self, violation: Violation) -> None:
        """Remove what turned out to be none before anybody was told."""
        with self._redis.pipeline() as pipe:
            pipe.hdel(self._ALL, violation.id)
            pipe.zrem(self._TIMES, violation.id)
            pipe.zrem(self._CLOSED, violation.id)
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
        for start in range(0, len(ids), self._at_once):
            yield from self._read(ids[start : start + self._at_once])

    def _slice(self, since: Time | None, offset: int, limit: int) -> list[Violation]:
        ids = self._redis.zrevrangebyscore(self._TIMES, "+inf", _score(since), start=offset, num=limit)
        return [Violation.from_dict(fields) for fields in self._read(ids)]

    def _count(self, since: Time | None) -> int:
        return int(self._redis.zcount(self._TIMES, _score(since), "+inf"))

    def _read(self, ids: Sequence[bytes]) -> list[dict[str, Any]]:
        texts = self._redis.hmget(self._ALL, ids) if ids else []
        return [json.loads(text) for text in texts if text is not None]


def _score(since: Time | None) -> int | str:
    """The same as a number: milliseconds since 1970."""
    return "-inf" if since is None else since.nanoseconds // 1_000_000
