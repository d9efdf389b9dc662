"""The log: accepted events in a Redis stream, read by any number of drains as one consumer group.

An event is pending until its decision is in the ledger. Judged events stay as the archive that a replay reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from enforcer.events import Event
from enforcer.queue import WAKE_SECONDS, Task
from enforcer.scripts import script
from enforcer.times import Time

LOG = "te:{log}"
DEAD_LETTERS = "te:dead-letters"
GROUP = "drain"

BATCH = 200
"""Events read at once."""

STALE_MILLISECONDS = 20_000
"""After so long without being judged, an event is taken from the worker that had claimed it."""

EXCERPT = 64 * 1024
"""Bytes kept of a notification that was not understood."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it stands in the log; `event` is None if it cannot be read any more."""

    entry_id: str
    text: bytes
    event: Event | None

    @property
    def time(self) -> Time:
        """When the receiver accepted it: the same for whoever judges it."""
        return Time.from_milliseconds(int(self.entry_id.partition("-")[0]))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A notification, or one event of it, that was not understood."""

    registry: str
    reason: str
    body: bytes
    entry_id: str = ""

    @property
    def time(self) -> Time | None:
        """When it came; None before it is in Redis."""
        return Time.from_milliseconds(int(self.entry_id.partition("-")[0])) if self.entry_id else None


class Log:
    """The stream of accepted events and the dead letters beside it."""

    def __init__(self, redis: Redis, *, dead_letters: int = 1000) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._dead_letters = dead_letters
        self._append = script(redis, "enforcer", "append.lua")

    def append(self, events: Sequence[Event]) -> bool:
        """Append events in one round trip; returns whether the caller must enqueue a drain."""
        arguments: list[str | int] = [WAKE_SECONDS, *(event.to_json() for event in events)]
        return bool(self._append(keys=[LOG, Task.DRAIN.flag], args=arguments))

    def bury(self, letters: Iterable[DeadLetter]) -> None:
        """Add dead letters; beyond the limit the oldest go."""
        with self._redis.pipeline(transaction=False) as pipe:
            for letter in letters:
                fields = {
                    "registry": letter.registry,
                    "reason": letter.reason,
                    "size": len(letter.body),
                    "body": letter.body[:EXCERPT],
                }
                pipe.xadd(DEAD_LETTERS, fields, maxlen=self._dead_letters, approximate=False)
            pipe.execute()

    def dead_letters(self, limit: int = 100) -> Iterator[DeadLetter]:
        """The dead letters, newest first."""
        for entry_id, fields in self._redis.xrevrange(DEAD_LETTERS, count=limit):
            registry, reason = (fields[name].decode() for name in (b"registry", b"reason"))
            yield DeadLetter(registry, reason, fields[b"body"], entry_id.decode())

    def open(self) -> None:
        """Make the consumer group, so that it reads from the beginning; harmless where it is there."""
        try:
            self._redis.xgroup_create(LOG, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def batches(self, consumer: str) -> Iterator[list[Arrival]]:
        """The events that nobody has judged: this consumer's own left-overs, then those of dead ones, then new ones.

        Each batch must be acknowledged before the next one is asked for.
        """
        self.open()
        while own := self._redis.xreadgroup(GROUP, consumer, {LOG: "0"}, count=BATCH):
            if not (entries := own[0][1]):
                break
            yield _arrivals(entries)
        while stale := self._redis.xautoclaim(LOG, GROUP, consumer, STALE_MILLISECONDS, count=BATCH)[1]:
            yield _arrivals(stale)
        while new := self._redis.xreadgroup(GROUP, consumer, {LOG: ">"}, count=BATCH):
            yield _arrivals(new[0][1])

    def acknowledge(self, arrivals: Iterable[Arrival]) -> None:
        """Say that these events are judged and their decisions written."""
        ids = [arrival.entry_id for arrival in arrivals]
        if ids:
            self._redis.xack(LOG, GROUP, *ids)

    def waiting(self) -> int:
        """How many events are accepted and not judged."""
        groups = self._redis.xinfo_groups(LOG) if self._redis.exists(LOG) else []
        for group in groups:
            if group["name"] == GROUP.encode():
                return int(group["pending"]) + int(group.get("lag") or 0)
        return int(self._redis.xlen(LOG))

    def trim(self, *, days: float, events: int) -> None:
        """Shorten the archive to so many days and events; what is not judged yet stays whatever its age."""
        limits = [f"{Time.now().plus(-days * 86400).nanoseconds // 1_000_000}-0"]
        surplus = self._redis.xlen(LOG) - events
        if surplus > 0:
            oldest = self._redis.xrange(LOG, count=min(surplus, 10_000))
            limits.append(oldest[-1][0].decode())
        keep_from = min(max(limits, key=_order), self._first_unjudged(), key=_order)
        self._redis.xtrim(LOG, minid=keep_from, approximate=True)

    def _first_unjudged(self) -> str:
        pending = self._redis.xpending(LOG, GROUP)
        if pending["pending"]:
            return str(pending["min"].decode())
        group = next(group for group in self._redis.xinfo_groups(LOG) if group["name"] == GROUP.encode())
        return str(group["last-delivered-id"].decode())


def _order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


def _arrivals(entries: Iterable[tuple[bytes, dict[bytes, bytes]]]) -> list[Arrival]:
    return [_arrival(entry_id.decode(), fields or {}) for entry_id, fields in entries]


def _arrival(entry_id: str, fields: dict[bytes, bytes]) -> Arrival:
    text = fields.get(b"event", b"")
    try:
        return Arrival(entry_id, text, Event.from_json(text))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Arrival(entry_id, text, None)
