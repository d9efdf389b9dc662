"""Arrivals: times in the future, deletions of digests, and the form in which they are noted."""

from __future__ import annotations

import pytest

from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import AHEAD, NOWHERE
from enforcer.times import Time
from tests.fakes.events import NAME, deletion, digest, push

NOW = Time("2026-11-22T04:00:00Z")


@pytest.mark.parametrize("ahead", [-1000, 0, AHEAD])
def test_a_fast_clock(ahead):
    """A time that a fast clock explains stays as it is."""
    arrival = Arrival(push("1", digest(1), NOW.plus(ahead)), NOW)

    assert arrival.timely() is arrival
    assert arrival.claimed == NOWHERE


@pytest.mark.parametrize("ahead", [AHEAD + 1e-9, 10**9])
def test_the_future(ahead):
    """A time further in the future counts as now; the place that it claimed is remembered."""
    event = push("1", digest(1), NOW.plus(ahead))

    timely = Arrival(event, NOW).timely()

    assert (timely.event.time, timely.arrived, timely.claimed) == (NOW, NOW, event.order)


def test_a_deleted_digest():
    """The deletion of a digest becomes the deletion of one tag, with all else as it was."""
    arrival = Arrival(deletion("gone", NOW, tag=None, digest=digest(1)), NOW)

    of_tag = arrival.of_tag(NAME.tag)

    assert arrival.is_of_digest
    assert not of_tag.is_of_digest
    assert of_tag.event == deletion("gone", NOW, digest=digest(1))


def test_noted():
    """An arrival is read as it was noted."""
    arrival = Arrival(deletion("gone", NOW.plus(-5), tag=None, digest=digest(1)), NOW)

    assert Arrival.from_json(arrival.to_json()) == arrival
