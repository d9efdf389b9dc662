from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import pytest

from enforcer.names import RegistryName, Repository
from worker.pool import Precedence, RegistryPools

MAIN, OTHER = RegistryName("main"), RegistryName("other")
ONE, TWO = Repository("team/one"), Repository("team/two")


class Turns:
    """Notes which steps were done, and ends the pool's wait for the last."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._changed = threading.Condition()

    def note(self, name: str) -> None:
        with self._changed:
            self.done.append(name)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.done) >= count, timeout=10)
            return list(self.done)


@pytest.fixture
def pools() -> Iterator[RegistryPools]:
    made = RegistryPools(threads=1, waiting=3)
    yield made
    made.close()


@pytest.fixture
def held(pools: RegistryPools) -> Iterator[threading.Event]:
    """The only thread of the registry is busy until this is set."""
    go, busy = threading.Event(), threading.Event()

    def hold() -> None:
        busy.set()
        go.wait(10)

    pools.submit(MAIN, Precedence.SWEEP, ONE, hold)
    assert busy.wait(10)
    yield go
    go.set()


def test_the_more_urgent_step_comes_first(pools: RegistryPools, held: threading.Event) -> None:
    """Steps that wait are begun by precedence, however they came."""
    turns = Turns()
    for precedence in (Precedence.SWEEP, Precedence.NEW_MANIFEST, Precedence.FIRST_ANSWER):
        pools.submit(MAIN, precedence, ONE, partial(turns.note, precedence.name))
    held.set()
    assert turns.wait_for(3) == ["FIRST_ANSWER", "NEW_MANIFEST", "SWEEP"]


def test_repositories_take_turns(pools: RegistryPools, held: threading.Event) -> None:
    """A repository with many steps lets another one in between."""
    turns = Turns()
    for name, repository in (("one a", ONE), ("one b", ONE), ("two", TWO)):
        pools.submit(MAIN, Precedence.FIGHT, repository, partial(turns.note, name))
    held.set()
    assert turns.wait_for(3) == ["one a", "two", "one b"]


@pytest.mark.usefixtures("held")
def test_a_registry_that_hangs_costs_the_others_nothing(pools: RegistryPools) -> None:
    """Each registry has threads of its own."""
    turns = Turns()
    pools.submit(OTHER, Precedence.SWEEP, ONE, partial(turns.note, "other"))
    assert turns.wait_for(1) == ["other"]


def test_too_many_steps_are_refused(pools: RegistryPools, held: threading.Event) -> None:
    """A step beyond the limit is not taken, and the caller is told."""
    turns = Turns()
    taken = [pools.submit(MAIN, Precedence.LOOK, ONE, partial(turns.note, "done")) for _ in range(4)]
    assert taken == [True, True, True, False]
    held.set()
    turns.wait_for(3)
    assert pools.submit(MAIN, Precedence.LOOK, ONE, partial(turns.note, "done"))


def test_a_step_that_fails_keeps_no_other_from_its_turn(
    pools: RegistryPools, held: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    """An error of a step is logged, and the thread goes on."""
    turns = Turns()
    pools.submit(MAIN, Precedence.FIGHT, ONE, _fail)
    pools.submit(MAIN, Precedence.FIGHT, ONE, partial(turns.note, "next"))
    held.set()
    turns.wait_for(1)
    assert "a step failed" in caplog.text


def _fail() -> None:
    raise ValueError("of its own")
