"""Which client pushed which manifest."""

from __future__ import annotations

import pytest

from enforcer.names import Repository
from enforcer.store.pushes import PUSHES, Pushes
from enforcer.times import Time
from tests.fakes.events import BUILD, digest, push

A, B, INDEX = digest(1), digest(2), digest(9)
WHEN = Time("2026-11-22T04:00:00Z")
WHOLE = push("index", INDEX, WHEN, children=(A, B), **BUILD)


@pytest.fixture
def pushes(redis):
    return Pushes(redis)


def test_own_children(pushes):
    """Those that the index's own client pushed, each with the last time, though events come in any order."""
    pushes.note([push("2", A, WHEN.plus(2), tag=None, **BUILD), push("1", A, WHEN, **BUILD)])
    assert pushes.of_children(WHOLE) == ((A, WHEN.plus(2)),)


@pytest.mark.parametrize(
    "changes", [{"actor": "mallory"}, {"address": "203.0.113.66:1"}, {"repository": Repository("a/b")}]
)
def test_of_others(pushes, changes):
    """What another client pushed, or the same elsewhere, counts for nothing."""
    pushes.note([push("1", A, WHEN, **BUILD | changes)])
    assert pushes.of_children(WHOLE) == ()


def test_no_index(pushes):
    """An image has no children."""
    assert pushes.of_children(push("1", A, WHEN, **BUILD)) == ()


def test_bounded(pushes, redis):
    """Whoever floods a repository with pushes loses the oldest ones, and all of them in a day."""
    pushes.note(push(str(number), digest(number), WHEN.plus(number), **BUILD) for number in range(PUSHES + 5))
    (key,) = redis.keys("*:pushes")
    assert redis.zcard(key) == PUSHES
    assert 0 < redis.ttl(key) <= 86_400
