"""Arrivals: times in the future, deletions of digests, and the form in which they are noted."""

from __future__ import annotations

import pytest

from enforcer.judgement.arrival import Arrival
from enforcer.times import Time
from tests.fakes.events import NAME, deletion, digest, push

NOW = Time("2026-11-22T04:00:00Z")


@pytest.mark.parametrize("done", [-1000, 0])
def test_the_past(done):
    """What was done before it arrived was done then."""
    arrival = Arrival(push("1", digest(1), at=NOW.plus(done)), NOW)

    assert arrival.timely() is arrival
    assert arrival.lateness == -done


@pytest.mark.parametrize("ahead", [1e-9, 300, 10**9])
def test_the_future(ahead):
    """What is said to be done in the future counts as done when it arrived; its own time stays as evidence."""
    event = push("1", digest(1), NOW.plus(ahead))

    timely = Arrival(event, NOW).timely()

    assert (timely.event.when, timely.event.time, timely.arrived) == (NOW, event.time, NOW)


@pytest.mark.parametrize(
    ("times", "arrived"), [({"at": NOW.plus(-700), "arrived": NOW}, NOW), ({}, NOW.plus(-5)), ({"arrived": NOW}, NOW)]
)
def test_an_event_of_the_log(times, arrived):
    """It arrived when the log says; one whose arrival is not known counts as in time."""
    assert Arrival.of(push("1", digest(1), NOW.plus(-5), **times)).arrived == arrived


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
