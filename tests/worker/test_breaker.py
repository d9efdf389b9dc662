from __future__ import annotations

import pytest

from enforcer.errors import RegistryDenied, RegistryUnavailable
from tests.fakes.events import APP, MAIN
from worker.breaker import DOUBTED, LONGEST_PAUSE, PATIENCE, Breakers

AWAY = RegistryUnavailable("no answer")


@pytest.fixture
def breakers(context):
    return context.breakers


def now(clock) -> int:
    return clock.milliseconds


@pytest.mark.parametrize("status", [None, 405, 429, 503])
def test_away(breakers, clock, status):
    """A registry that does not answer, or asks to be left alone, is away."""
    assert breakers.failed(MAIN, APP, RegistryUnavailable("", status=status), now(clock))
    assert breakers.is_away(MAIN)


def test_known_to_all_workers(breakers, make_context, clock):
    """What one was answered holds for all."""
    breakers.failed(MAIN, APP, AWAY, now(clock))
    assert make_context().breakers.is_away(MAIN)


def test_one_probe(breakers, make_context, clock):
    """One worker asks once the pause is over, and until it knows no other does."""
    breakers.failed(MAIN, APP, AWAY, now(clock))
    assert not breakers.take_probe(MAIN)
    clock.advance(1)
    assert [each.take_probe(MAIN) for each in (breakers, make_context().breakers)] == [True, False]


def test_probes_grow_rare(breakers, clock):
    """1, 2, 4 … seconds, and never more than ten; answers to what was asked before do not count."""
    waits = []
    for _ in range(6):
        for _ in range(8):
            breakers.failed(MAIN, APP, AWAY, now(clock))
        began = clock.now
        while not breakers.take_probe(MAIN):
            clock.advance(0.5)
        waits.append(clock.now - began)
    assert waits == [1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE]


def test_the_first_good_answer_ends_it(breakers, make_context, clock):
    """For all workers."""
    breakers.failed(MAIN, APP, AWAY, now(clock))
    breakers.answered(MAIN)
    assert not make_context().breakers.is_away(MAIN)


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_answer_about_one_tag(breakers, clock, status):
    """Fights provoke them: only of several repositories, with no good answer between, they are about the registry."""
    error = RegistryUnavailable("", status=status)
    places = [type(APP)(f"team/app-{number}") for number in range(DOUBTED)]
    for place in places[:-1]:
        assert not breakers.failed(MAIN, place, error, now(clock))
        assert not breakers.failed(MAIN, place, error, now(clock))
    breakers.answered(MAIN)
    assert [breakers.failed(MAIN, place, error, now(clock)) for place in places] == [False, False, True]


def test_what_waiting_does_not_help(breakers, clock):
    """An account without rights is no outage."""
    assert not breakers.failed(MAIN, APP, RegistryDenied("", status=403), now(clock))
    assert not breakers.is_away(MAIN)


def test_told_once_a_registry(scene, breakers):
    """After a minute, and when it answers again; a short outage is not told."""
    for _ in range(2):
        breakers.failed(MAIN, APP, AWAY, now(scene.clock))
        scene.clock.advance(PATIENCE - 1)
    breakers.answered(MAIN)
    assert scene.alerts() == []
    for _ in range(9):
        breakers.failed(MAIN, APP, AWAY, now(scene.clock))
        scene.clock.advance(PATIENCE / 3)
    breakers.answered(MAIN)
    told = scene.alerts()
    assert [(alert.kind, alert.details["state"]) for alert in told] == [("health", "present"), ("health", "over")]


def test_one_that_knows_nothing_of_an_outage(context, clock):
    """An answer costs no command to Redis while all is well."""
    breakers = Breakers(None, None)
    breakers.answered(MAIN)
