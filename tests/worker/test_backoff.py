from __future__ import annotations

import pytest

from worker.backoff import LONGEST_BACKOFF, pause


@pytest.mark.parametrize(
    ("tries", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 32), (9, 256), (10, LONGEST_BACKOFF), (1000, LONGEST_BACKOFF)]
)
def test_pauses_double(tries, seconds):
    """The longer something fails the longer the pause, up to five minutes, give or take a quarter."""
    pauses = [pause(tries) for _ in range(200)]
    assert all(0.75 * seconds <= each <= 1.25 * seconds for each in pauses)
    assert max(pauses) - min(pauses) > 0.2 * seconds, "all would come at once"


@pytest.mark.parametrize(("wish", "least"), [(None, 0), (0, 0), (0.5, 0), (20, 20), (1e9, LONGEST_BACKOFF)])
def test_the_other_sides_wish_counts(wish, least):
    """Who asks for more patience gets it, within bounds; who asks for less does not."""
    assert least <= pause(1, retry_after=wish) <= max(least, 1.25)
