"""The audit: who changed what, when and why, with what was there before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.client import Pipeline

from enforcer.times import Time

AUDIT = "te:{policies}:audit"
"""In the slot of the policies, so that a change and its audit entry are one transaction."""

KEPT = 100_000


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change: `before` and `after` are what was changed, as JSON; None where there was nothing.

    `id` is its place in the stream.
    """

    id: str
    time: Time
    what: str
    by: str
    reason: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Audit:
    """The stream of changes."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes

    def add(
        self,
        what: str,
        by: str,
        *,
        reason: str = "",
        before: dict[str, Any] | None = None,
        after: dict[str, Any] | None = None,
        pipe: Pipeline | None = None,
    ) -> None:
        """Write an entry, as part of a transaction where one is given."""
        fields = {"what": what, "by": by, "reason": reason, "before": json.dumps(before), "after": json.dumps(after)}
        target: Any = self._redis if pipe is None else pipe
        target.xadd(AUDIT, fields, maxlen=KEPT, approximate=True)

    def __len__(self) -> int:
        """How many entries are kept."""
        return int(self._redis.xlen(AUDIT))

    def newest(self, limit: int = 100, *, before: str | None = None) -> Iterator[AuditEntry]:
        """The entries, newest first; with `before`, those that are older than the one with that id."""
        newest = "+" if before is None else f"({before}"
        for entry_id, fields in self._redis.xrevrange(AUDIT, max=newest, count=limit):
            text = {name.decode(): value.decode() for name, value in fields.items()}
            yield AuditEntry(
                id=entry_id.decode(),
                time=Time.from_milliseconds(int(entry_id.partition(b"-")[0])),
                what=text["what"],
                by=text["by"],
                reason=text["reason"],
                before=json.loads(text["before"]),
                after=json.loads(text["after"]),
            )
