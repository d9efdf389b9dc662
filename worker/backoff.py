"""Backoff: how long to wait before trying again."""

from __future__ import annotations

import random

LONGEST_BACKOFF = 300
"""Seconds; nothing waits longer than this."""


def pause(tries: int, *, retry_after: float | None = None) -> float:
    """Seconds until the next try after so many failed ones: 1, 2, 4 … 300, spread so that many do not come at once.

    What the other side asked for counts where it is more.
    """
    seconds = min(2.0 ** min(tries - 1, 16), LONGEST_BACKOFF)
    # What many wait for together, as for a registry that is away, is not asked for by all of them at one moment.
    spread = random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    return max(seconds * spread, min(retry_after or 0, LONGEST_BACKOFF))
