"""The log: accepted events in a Redis stream, read by any number of drains as one consumer group.

An event is pending until its decision is in the ledger. Judged events stay as the archive that a replay reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, inf
from typing import Any

from redis import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from enforcer.events import Event, fingerprint
from enforcer.store.limits import STALE, WAKE
from enforcer.store.log_entry import LogEntry, arrivals, order_of, placed
from enforcer.store.lua import script
from enforcer.store.sources import KEPT, clock_key, sources_key
from enforcer.store.wakeups import Task
from enforcer.times import Time

LOG = "te:{log}"
DEAD_LETTERS = "te:dead-letters"
GROUP = "drain"

BATCH = 200
"""Events read at once."""

SURPLUS = 10_000
"""Events by which the archive is shortened at a time."""

SURPLUS_BYTES = 8 << 20
"""Bytes by which it is shortened at a time: what goes is read before."""

LATEST = 1000
"""Events of a registry that are known when they are sent again; a Distribution process sends only its last again."""

EXCERPT = 64 * 1024
"""Bytes kept of a notification that was not understood."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Events that are in the log now, with their times there; and whether the caller must enqueue a drain."""

    events: tuple[Event, ...] = ()
    must_wake: bool = False


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

    def __init__(self, redis: Redis, *, dead_letters: int = 1000, stale: float = STALE) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._dead_letters = dead_letters
        self._stale_milliseconds = round(stale * 1000)
        self._append = script(redis, "log_append")

    def append(self, events: Sequence[Event]) -> bool:
        """Append events, in one round trip a registry; returns whether the caller must enqueue a drain."""
        return self.accept(events).must_wake

    def accept(self, events: Sequence[Event]) -> Accepted:
        """Append events; returns them as they stand in the log, which says when they arrived and were done."""
        accepted: list[Event] = []
        must_wake = False
        for registry, group in groupby(events, key=lambda event: event.registry):
            told = list(group)
            latest = f"te:{{log}}:latest:{registry}"
            keys = [LOG, Task.DRAIN.flag, sources_key(registry), clock_key(registry), latest, f"{latest}:order"]
            arguments: list[str | int] = [WAKE, KEPT, LATEST]
            for event in told:
                text = event.to_json()
                arguments += [event.source, event.time.nanoseconds // 1000, text, fingerprint(text)]
            wakes, *places = self._append(keys=keys, args=arguments)
            must_wake |= bool(wakes)
            accepted += map(placed, told, (place.decode() for place in places[::2]), places[1::2])
        return Accepted(tuple(accepted), must_wake)

    def dead_letter(self, letters: Iterable[DeadLetter]) -> None:
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
            # a Redis that is full says so before it looks whether the group is there
            if "BUSYGROUP" not in str(error) and not isinstance(error, OutOfMemoryError):
                raise

    def batches(self, consumer: str) -> Iterator[list[LogEntry]]:
        """The events that nobody has judged: this consumer's own left-overs, then those of dead ones, then new ones.

        Each batch must be acknowledged before the next one is asked for.
        """
        self.open()
        while own := self._redis.xreadgroup(GROUP, consumer, {LOG: "0"}, count=BATCH):
            if not (entries := own[0][1]):
                break
            yield arrivals(entries)
        yield from self._taken_over(consumer)
        while new := self._redis.xreadgroup(GROUP, consumer, {LOG: ">"}, count=BATCH):
            yield arrivals(new[0][1])

    def _taken_over(self, consumer: str) -> Iterator[list[LogEntry]]:
        """What dead consumers had read. Redis looks at a part of all claims at a time, and says where to go on."""
        start = b"0-0"
        while True:
            start, stale, *_ = self._redis.xautoclaim(
                LOG, GROUP, consumer, self._stale_milliseconds, start_id=start, count=BATCH
            )
            if stale:
                yield arrivals(stale)
            if start == b"0-0":
                return

    def acknowledge(self, arrivals: Iterable[LogEntry]) -> None:
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

    def archive(self) -> Iterator[bytes]:
        """Every event that is still there, judged or not, oldest first, as JSON: with its arrival where it has one."""
        start = "-"
        while entries := self._redis.xrange(LOG, min=start, count=1000):
            for entry in arrivals(entries):
                yield entry.event.to_json().encode() if entry.event else entry.text
            start = f"({entries[-1][0].decode()}"

    def trim(self, *, days: float, events: int, size: float = inf) -> None:
        """Shorten the archive to so many days, events and bytes; what is not judged yet stays whatever its age."""
        self.open()
        unjudged = self._first_unjudged()
        self._trim_before(f"{Time.now().plus(-days * 86400).nanoseconds // 1_000_000}-0", unjudged)
        while (surplus := self._surplus(events, size)) > 0:
            *_, (keep_from, _) = self._redis.xrange(LOG, count=surplus + 1)
            if not self._trim_before(keep_from.decode(), unjudged):
                return

    def _surplus(self, events: int, size: float) -> int:
        """How many of the oldest events must go next."""
        count, used = int(self._redis.xlen(LOG)), self.used()
        surplus = max(count - events, ceil(count * (1 - size / used)) if used > size else 0)
        fitting = SURPLUS_BYTES * count // used if used else SURPLUS
        return min(surplus, SURPLUS, max(fitting, 1))

    def used(self) -> int:
        """The bytes that the archive takes; 0 where Redis does not tell."""
        try:
            return int(self._redis.memory_usage(LOG, samples=0) or 0)
        except ResponseError:  # hosted ones may have no MEMORY
            return 0

    def _trim_before(self, *entry_ids: str) -> int:
        return int(self._redis.xtrim(LOG, minid=min(entry_ids, key=order_of), approximate=True))

    def _first_unjudged(self) -> str:
        """An entry before which all are judged."""
        # In one transaction: what a drain reads in between would be neither pending nor after the last one delivered.
        with self._redis.pipeline() as pipe:
            pipe.xpending(LOG, GROUP)
            pipe.xinfo_groups(LOG)
            pending, groups = pipe.execute()
        if pending["pending"]:
            return str(pending["min"].decode())
        group = next(group for group in groups if group["name"] == GROUP.encode())
        return str(group["last-delivered-id"].decode())
