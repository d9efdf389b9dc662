from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.names import RegistryName, Repository
from enforcer.times import Time
from tests.fakes.events import NAME, digest
from tests.fakes.native import problem
from tests.fakes.violations import violation

SHOWN = {
    "id": violation(1).id,
    "registry": "main",
    "repository": "team/app",
    "tag": "1.0",
    "kind": "overwritten",
    "recorded": digest(1),
    "pushed": digest(2),
    "time": violation(1).time,
    "event_id": "event-1",
    "actor": "mallory",
    "address": "192.0.2.7:4711",
    "user_agent": "docker/28",
    "policies": [1],
    "state": "open",
    "exposure": None,
    "restores": 0,
    "problem": "",
    "original_time": None,
    "original_actor": "",
    "original_address": "",
    "closed": None,
}


def test_one(call, here):
    """A violation is shown with what should be there, who did it, and what became of it."""
    here.stores.violations.open([violation(1)])
    assert call.get(f"/violations/{violation(1).id}") == SHOWN
    closed = replace(violation(1), restores=2).closed_as(State.NOT_RESTORABLE, Time.now(), exposure=7)
    here.stores.violations.update(closed)
    assert call.get(f"/violations/{violation(1).id}") == SHOWN | {
        "state": "not restorable",
        "exposure": 7,
        "restores": 2,
        "closed": closed.closed,
    }


def test_who_pushed_the_original(call, here):
    """The first push is shown as well: it may be the one that should not have been."""
    known = {
        "original_time": Time("2026-11-21T09:12:03.5Z"),
        "original_actor": "ann",
        "original_address": "192.0.2.1:4711",
    }
    here.stores.violations.open([violation(1, **known)])
    assert call.get(f"/violations/{violation(1).id}") == SHOWN | known


def test_a_deletion_pushed_nothing(call, here):
    """Where nothing was pushed, nothing is shown as pushed."""
    here.stores.violations.open([violation(1, kind=Decision.DELETED, pushed=None)])
    found = call.get(f"/violations/{violation(1).id}")
    assert (found["kind"], found["pushed"]) == ("deleted", None)


@pytest.mark.parametrize("violation_id", ["0" * 16, "x", "%00", "1" * 5000])
def test_none(call, violation_id):
    """What is no violation's id is not found."""
    problem(call("GET", f"/violations/{violation_id}"), 404)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [4, 3, 2, 1]),
        ("limit=2&offset=1", [3, 2]),
        ("registry=other", [3]),
        ("repository=team/app", [4, 3, 1]),
        ("state=open", [3, 2, 1]),
        ("state=not%20restorable", [4]),
        ("since=2026-11-22T04:06:43Z", [4, 3]),
        ("since=2026-11-22T05:06:43%2B01:00", [4, 3]),
        ("state=open&registry=main&since=2026-11-22T04:06:42.5Z", [2]),
        ("registry=nowhere", []),
    ],
)
def test_filters(call, here, query, numbers):
    """Each filter, alone and together, leaves those that are asked for, newest first."""
    here.stores.violations.open(
        [
            violation(1),
            violation(2, name=replace(NAME, repository=Repository("team/other"))),
            violation(3, name=replace(NAME, registry=RegistryName("other"))),
            violation(4),
        ]
    )
    here.stores.violations.update(violation(4).closed_as(State.NOT_RESTORABLE, Time.now()))
    found = call.get(f"/violations?{query}")
    assert [int(one["id"], 16) for one in found["items"]] == numbers
    assert found["total"] == (4 if "limit" in query else len(numbers))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("state=closed", "state"),
        ("since=yesterday", "since"),
        ("since=2026-11-22", "since"),
        ("since=2026-11-22T05:06:43+01:00", "since"),
        ("repository=team//app", "repository"),
        ("registry=", "registry"),
        ("offset=-1", "offset"),
        ("tag=1.0", "tag"),
    ],
)
def test_filters_that_are_none(call, query, parameter):
    """A filter that is not understood is refused rather than left out."""
    (error,) = problem(call("GET", f"/violations?{query}"), 400)["errors"]
    assert error["parameter"] == parameter


def test_pages_keep_their_filter(call, here):
    """The next page is one of the same violations."""
    here.stores.violations.open([violation(number) for number in (1, 2, 3)])
    answer = call("GET", "/violations?state=open&limit=2")
    assert answer.headers["Link"] == '</api/v1/violations?state=open&limit=2&offset=2>; rel="next"'
