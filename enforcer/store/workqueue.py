"""Agendas: what is due, and when. One tells what to look after, never what to do about it.

An item that is added ten times is looked after once. While one worker has it, no other gets it; if that worker dies,
the one that takes its place gets it at once, and any other when the lease has run out.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from enforcer.store.lua import script
from enforcer.store.wakeups import Task

LEASE = 60
"""Seconds for which a claimed item belongs to its worker; longer than any step takes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """An item that is ours for the length of a lease: what is known of it, and how often it was asked for."""

    item: str
    notes: str
    requests: int


class WorkQueue:
    """The items of one task, by the time when each is due."""

    def __init__(self, redis: Redis, task: Task) -> None:
        self.task = task
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        prefix = f"te:{{{task.value}}}"
        self._due, self._claimed = f"{prefix}:due", f"{prefix}:claimed"
        self._notes, self._requests = f"{prefix}:notes", f"{prefix}:requests"
        self._owners = f"{prefix}:owners"
        self._claim = script(redis, "workqueue_claim")
        self._release = script(redis, "workqueue_release")
        self._take_back = script(redis, "workqueue_take_back")

    @property
    def _keys(self) -> list[str]:
        return [self._due, self._claimed, self._notes, self._requests, self._owners]

    def add(self, items: Iterable[tuple[str, str]]) -> None:
        """Make items due now; notes count only for an item that was not on the agenda."""
        with self._redis.pipeline() as pipe:
            for item, notes in items:
                pipe.zadd(self._due, {item: _now()}, lt=True)  # whoever waits already keeps the turn
                pipe.hsetnx(self._notes, item, notes)
                pipe.hincrby(self._requests, item, 1)
            pipe.execute()

    def claim(self, limit: int, *, owner: str = "") -> list[Claim]:
        """Take what is due and belongs to nobody, the longest due first."""
        now = _now()
        found = self._claim(keys=self._keys, args=[now, now + LEASE * 1000, limit, owner])
        texts = [value.decode() for value in found]
        return [Claim(*three) for three in zip(texts[::3], texts[1::3], map(int, texts[2::3]), strict=True)]

    def done(self, item: str, *, anew: bool = False) -> None:
        """Give an item back and forget it, unless somebody asked for it meanwhile; then it keeps its notes, or not."""
        self._release(keys=self._keys, args=[item, ""] if anew else [item])

    def again(self, item: str, notes: str, seconds: float) -> None:
        """Give an item back, to be looked after once more in so many seconds, or sooner if somebody asked for it."""
        self._release(keys=self._keys, args=[item, notes, _now() + round(seconds * 1000)])

    def take_back(self, owner: str) -> int:
        """End the leases of a worker that died; returns how many there were. For the one that takes its place."""
        return int(self._take_back(keys=self._keys, args=[owner]))

    def is_due(self) -> bool:
        """Whether there is something to do now, left-overs of a dead worker included."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcount(self._due, "-inf", _now())
            pipe.zcount(self._claimed, "-inf", _now())
            return any(pipe.execute())

    def is_busy(self, seconds: float) -> bool:
        """Whether somebody has an item at the moment, or one is due within so many seconds."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.zcount(self._due, "-inf", _now() + round(seconds * 1000))
            pipe.zcard(self._claimed)
            return any(pipe.execute())

    def requests(self, item: str) -> int:
        """How often an item was asked for since it came onto the agenda; 0 if it is not there."""
        return int(self._redis.hget(self._requests, item) or 0)

    def __len__(self) -> int:
        return int(self._redis.hlen(self._requests))


def _now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
