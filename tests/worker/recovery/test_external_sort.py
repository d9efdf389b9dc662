from __future__ import annotations

import os
import random
from functools import partial
from pathlib import Path

import pytest

from enforcer.times import Time
from tests.fakes.events import digest, push
from worker.recovery.external_sort import ExternalSort

START = Time("2026-11-22T04:00:00Z")


def events(count: int):
    return [
        push(f"id-{number}", digest(number), START.plus(number // 3), repository=f"team/app{number % 7}")
        for number in range(count)
    ]


Small = partial(ExternalSort, chunk=10, fan_in=3)
"""Files of ten events, merged three at a time."""


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 500])
def test_in_order_whatever_the_order(count):
    """However many files it takes, a repository's events come together and in their order."""
    given = events(count)
    expected = sorted(given, key=lambda event: (event.repository, event.order))
    random.Random(1).shuffle(given)
    with Small() as sorter:
        for event in given:
            sorter.add(event)
        assert sorter.count == count
        assert list(sorter.sorted()) == expected


def open_files(directory: Path) -> int:
    """How many files of the directory this process has open, those that have no name included."""
    return sum(os.path.realpath(link).startswith(str(directory)) for link in Path("/proc/self/fd").iterdir())


def test_few_files_are_open(tmp_path):
    """Their number grows with the logarithm of that of the events."""
    with Small(directory=tmp_path) as sorter:
        for event in events(2000):
            sorter.add(event)
        assert 1 < open_files(tmp_path) <= 15
    assert open_files(tmp_path) == 0


def test_nothing_is_left_behind(tmp_path):
    """What it writes has no name, so that nothing stays whatever ends the process."""
    with Small(directory=tmp_path) as sorter:
        for event in events(100):
            sorter.add(event)
        assert list(tmp_path.iterdir()) == []


def test_equal_events_stay():
    """An event that is there twice comes twice: who judges knows it."""
    with Small() as sorter:
        for event in events(5) * 3:
            sorter.add(event)
        assert len(list(sorter.sorted())) == 15
