"""The progress of a restore, as the work queue keeps it between two steps."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from enforcer.validation.stored import known_fields

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the restore of a tag is; times are seconds since 1970.

    `answered` counts the requests that were answered with a PUT, so one more means that the tag was changed again.
    `fought` says that people know that it is changed again and again. `approved_since` is when a look first showed a
    digest that was approved beforehand.
    """

    answered: int = 0
    started: float = 0
    put: float = 0
    puts: int = 0
    look: int = 0
    failures: int = 0
    failing_since: float = 0
    fought: bool = False
    approved_since: float = 0

    @classmethod
    def read(cls, checkpoint: str) -> Self:
        """Read a checkpoint; nothing for a new key, and for one that cannot be read."""
        try:
            found = known_fields(cls, json.loads(checkpoint or "{}"))
            return cls(**{name: _number(value) for name, value in found.items()})
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            logger.warning("the checkpoint of a restore cannot be read and counts as none: %s", error)
            return cls()

    def written(self) -> str:
        """The progress as the work queue keeps it."""
        return json.dumps(asdict(self))

    def after_put(self, now: float) -> Self:
        """One more PUT was taken."""
        return replace(self, put=now, puts=self.puts + 1, failures=0, failing_since=0, approved_since=0)

    def after_failure(self, now: float) -> Self:
        """The registry did not do what it was asked."""
        return replace(self, failures=self.failures + 1, failing_since=self.failing_since or now)


def _number(value: object) -> Any:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value
