"""Violations as values."""

from __future__ import annotations

import json

from enforcer.judgement.violation import State, Violation
from enforcer.times import Time
from tests.fakes.violations import violation


def test_round_trip():
    """A violation is read as it was written."""
    at = Time("2026-11-22T05:00:00Z")
    closed = violation(1, original_time=at, original_actor="ann").closed_as(State.RESTORED, at, exposure=7)

    assert Violation.from_dict(json.loads(json.dumps(closed.as_dict()))) == closed


def test_keys_of_a_later_release_are_ignored():
    """A violation is read that has keys which this release does not know."""
    assert Violation.from_dict(violation(1).as_dict() | {"later": [1]}) == violation(1)


def test_closed():
    """Its end says when and how; a problem on the way is over."""
    at = Time("2026-11-22T05:00:00Z")

    closed = violation(1, problem="away").closed_as(State.RESTORED, at, exposure=7)

    assert (closed.state, closed.closed, closed.exposure, closed.problem) == (State.RESTORED, at, 7, "")
