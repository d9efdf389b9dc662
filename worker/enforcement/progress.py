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
    """How far the restore of a tag is; times are seconds since 1970 by Redis's clock.

    `answered` counts the requests that were answered with a PUT, so one more means that the tag was changed again;
    `released` counts those at which nothing had to be restored any more. `answered_at` is when the PUT of an answer had
    returned, `put` when the last one had, and `seen` when the tag was last seen right, or put. `wrong` is for how many
    seconds it was wrong since it was answered. `approved_since` is when a look first showed a digest that was approved
    beforehand. `look_first` says that what happened was long past already when it was judged, and nothing put since.
    """

    answered: int = 0
    released: int = 0
    answered_at: float = 0
    put: float = 0
    puts: int = 0
    look: int = 0
    seen: float = 0
    wrong: float = 0
    failures: int = 0
    failing_since: float = 0
    approved_since: float = 0
    look_first: bool = False

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

    def after_answer(self, generation: int, now: float) -> Self:
        """Everything that was asked for until the PUT began is answered; looking begins anew."""
        return replace(self._after_put(now), answered=generation, answered_at=now, wrong=0)

    def after_wrong_look(self, looked: float, now: float) -> Self:
        """The tag was found wrong and put right. Since when it was wrong only the registry knows."""
        since = (self.seen + looked) / 2
        return replace(self._after_put(now), wrong=self.wrong + max(0, now - since))

    def after_right_look(self, now: float) -> Self:
        """The tag was right; the next look comes."""
        return replace(self, look=self.look + 1, seen=now, failures=0, failing_since=0, approved_since=0)

    def after_failure(self, now: float) -> Self:
        """The registry did not do what it was asked."""
        return replace(self, failures=self.failures + 1, failing_since=self.failing_since or now)

    def _after_put(self, now: float) -> Self:
        return replace(
            self, put=now, puts=self.puts + 1, look=0, seen=now, failures=0, failing_since=0, approved_since=0
        )


def _number(value: object) -> Any:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value
