"""Pushes by digest: which client pushed which manifest, while a policy lets tags of the repository settle.

The index of a build may take a tag over only if its own client pushed all that it lists (rule 6).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from redis import Redis

from enforcer.events import Event
from enforcer.names import Digest
from enforcer.times import Time

PUSHES = 1000
"""Known of each repository, at most: whoever pushes more at once has their index taken for an overwrite."""

PUSHES_SECONDS = 86_400
"""For so long after the last of them: as long as a tag may settle."""


class Pushes:
    """The latest pushes of each repository."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes

    def note(self, events: Iterable[Event]) -> None:
        """Note pushes, whatever their tags."""
        with self._redis.pipeline(transaction=False) as pipe:
            for event in events:
                key = _key(event)
                pipe.zadd(key, {f"{event.digest} {event.client}": _milliseconds(event.when)}, gt=True)
                pipe.zremrangebyrank(key, 0, -PUSHES - 1)
                pipe.expire(key, PUSHES_SECONDS)
            pipe.execute()

    def of_children(self, index: Event) -> tuple[tuple[Digest, Time], ...]:
        """The children of an index that its own client pushed, each with the time at which it did so last."""
        if not index.children:
            return ()
        members = [f"{child} {index.client}" for child in index.children]
        found = zip(index.children, self._redis.zmscore(_key(index), members), strict=True)
        return tuple((child, Time.from_milliseconds(int(score))) for child, score in found if score is not None)


def _key(event: Event) -> str:
    return f"te:{{{event.registry}/{event.repository}}}:pushes"


def _milliseconds(time: Time) -> int:
    """Rounded up: what follows another push within the same millisecond came after it."""
    return -(-time.nanoseconds // 1_000_000)
