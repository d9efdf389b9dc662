"""Fights in Redis: one key a tag, for as long as another overwrite would be the same fight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import Redis

from enforcer.judgement.fight import RESUMED, Fight
from enforcer.names import TagName
from enforcer.store.lua import script

LONGEST = 7 * 86_400
"""Seconds after its last change for which a fight that nobody ended is kept."""

Change = Callable[[Fight | None, int], Fight | None]
"""The fight that follows from one, and the milliseconds of Redis's clock; None for no change."""


class Fights:
    """The fights over tags. Whoever judges and whoever restores change them side by side."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._read = script(redis, "fight_read")
        self._write = script(redis, "fight_write")

    def now(self) -> int:
        """The milliseconds since 1970 by Redis's clock, which is the same for every host."""
        return int(self._read(keys=["te:fight:"])[1])

    def get(self, name: TagName) -> Fight | None:
        """The fight over a tag, one that ended lately included."""
        text = self._read(keys=[_key(name)])[0]
        return Fight.from_json(text) if text else None

    def change(self, name: TagName, change: Change) -> tuple[Fight | None, Fight | None, int]:
        """Change a fight in one step; returns what it was, what it is, and when that was."""
        while True:
            text, now = self._read(keys=[_key(name)])
            before = Fight.from_json(text) if text else None
            after = change(before, int(now))
            if after is None or after == before:
                return before, before, int(now)
            seconds = 2 * RESUMED if after.ended else LONGEST
            if self._write(keys=[_key(name)], args=[text, after.to_json(), seconds]):
                return before, after, int(now)


def _key(name: TagName) -> str:
    return f"te:fight:{name}"
