from __future__ import annotations

import threading
import time

import pytest

from worker.rate_limit import RateLimit, Stopped


def test_so_many_a_second_over_all_threads():
    """However many threads ask, their turns come one gap apart, and the first one at once."""
    pace = RateLimit(200)
    turns: list[float] = []

    def take() -> None:
        for _ in range(5):
            pace.wait()
            turns.append(time.monotonic())

    began = time.monotonic()
    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    turns.sort()
    assert turns[0] - began < 0.05
    for number, turn in enumerate(turns):
        assert turn - began >= number / 200 - 0.001


def test_no_turns_are_saved_up():
    """Whoever has not asked for a while does not get several turns at once."""
    pace = RateLimit(100)
    pace.wait()
    time.sleep(0.05)
    began = time.monotonic()
    for _ in range(3):
        pace.wait()
    assert time.monotonic() - began >= 0.019


def test_shared():
    """Paces that are shared keep the rate together, and one that is stopped neither stops the other nor delays it."""
    pace = RateLimit(20)
    first, second = pace.shared(), pace.shared()
    began = time.monotonic()
    for each in (first, second, first, second):
        each.wait()
    assert time.monotonic() - began >= 3 / 20 - 0.001
    first.stop()
    for _ in range(100):
        with pytest.raises(Stopped):
            first.wait()
    second.wait()
    assert time.monotonic() - began < 2


def test_stopped():
    """Who waits for a turn when the pace is stopped hears so at once, and so does whoever comes later."""
    pace = RateLimit(0.1)
    pace.wait()
    threading.Timer(0.05, pace.stop).start()
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(Stopped):
            pace.wait()
    assert time.monotonic() - began < 1
