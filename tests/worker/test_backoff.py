from __future__ import annotations

import pytest

from worker.backoff import LONGEST_BACKOFF, back_off, pause


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


@pytest.mark.parametrize(
    ("requests", "seconds"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (10, 256), (11, 300), (10_000, 300)]
)
def test_back_off_doubles_with_each_request(requests, seconds):
    """The first restore comes at once; each further one of a fight waits twice as long, up to five minutes."""
    assert back_off(requests) == seconds
