"""What people were told lately, so that a decision whose effects are applied again is not told again."""

from __future__ import annotations

from typing import Any

from redis import Redis

TOLD_SECONDS = 86_400
"""For so long the same alert is not told again."""


class Told:
    """The ids of alerts that were told lately."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers come now or later; ours come now

    def was(self, alert_id: str) -> bool:
        """True if it was told lately."""
        return bool(self._redis.exists(_key(alert_id)))

    def note(self, alert_id: str) -> None:
        """It is told by now."""
        self._redis.set(_key(alert_id), 1, ex=TOLD_SECONDS)


def _key(alert_id: str) -> str:
    return f"te:told:{alert_id}"
