"""Health: troubles of an installation that are no violation, told once, again after a while, and when they are over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from redis import Redis

from enforcer.alerts.claims import LONGEST_PROBLEM, shortened
from enforcer.alerts.message import Alert, Severity
from enforcer.alerts.outbox import Alerts
from enforcer.times import Time

KIND = "health"


class Health:
    """Announces troubles by their keys, each at most once a period, whatever the number of processes that see it."""

    _TOLD = "te:health"

    def __init__(self, redis: Redis, alerts: Alerts, clock: Callable[[], Time] = Time.now) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._alerts = alerts
        self._clock = clock

    def tell(
        self, key: str, severity: Severity, text: str, again_after: int, details: Mapping[str, Any] | None = None
    ) -> bool:
        """Announce a trouble, unless its key was in the last `again_after` seconds; true if it was announced."""
        if not self._redis.set(self._quiet(key), 1, nx=True, ex=again_after):
            return False
        now = self._clock()
        self._redis.hsetnx(self._TOLD, key, now)
        self._announce(key, now, severity, text, {"state": "present", **(details or {})})
        return True

    def over(self, key: str, text: str) -> bool:
        """Announce that a trouble is over, if it had been told; true if it had been."""
        with self._redis.pipeline() as pipe:
            pipe.hget(self._TOLD, key)
            pipe.hdel(self._TOLD, key)
            pipe.delete(self._quiet(key))
            since, was_told, _ = pipe.execute()
        if was_told:
            self._announce(key, self._clock(), Severity.INFO, text, {"state": "over", "since": since.decode()})
        return bool(was_told)

    def _announce(self, key: str, now: Time, severity: Severity, text: str, details: Mapping[str, Any]) -> None:
        bounded = shortened(text, 2 * LONGEST_PROBLEM)
        self._alerts.announce(
            [
                Alert(
                    id=f"health-{key}-{now}",
                    kind=KIND,
                    severity=severity,
                    text=bounded,
                    details={"key": key, **details},
                )
            ]
        )

    def _quiet(self, key: str) -> str:
        return f"{self._TOLD}:quiet:{key}"
