from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.record import Decision, Entry, TagState
from enforcer.names import Repository
from enforcer.store.ledger import Change
from enforcer.times import Time
from tests.fakes.events import NAME, digest, push
from tests.fakes.ledger import Past
from tests.fakes.native import problem
from tests.fakes.policies import policy

BEGAN = Time("2026-11-22T04:00:00Z")
PATH = "/registries/main/history/team/app/1.0"


@pytest.fixture
def past(here):
    return Past(here.stores.ledger, policy(7, "**", effective_since=BEGAN), began=BEGAN)


def test_every_digest_newest_first(call, past):
    """The history tells who did what, from where, when, and what was decided of it."""
    past.push(1, actor="ci", address="192.0.2.1:1", user_agent="buildkit", media_type="application/json")
    past.push(2, actor="mallory")
    newest, oldest = call.get(PATH)["items"]
    assert oldest == {
        "id": "event-1",
        "time": BEGAN.plus(1),
        "action": "push",
        "digest": digest(1),
        "media_type": "application/json",
        "actor": "ci",
        "address": "192.0.2.1:1",
        "user_agent": "buildkit",
        "reason": "",
        "decision": "recorded",
        "policies": [7],
        "bypassed": [],
        "recorded": digest(1),
        "late": False,
    }
    assert (newest["digest"], newest["actor"], newest["decision"]) == (digest(2), "mallory", "overwritten")
    assert newest["recorded"] == digest(1)


def test_a_deletion_shows_what_was_deleted(call, past):
    """A deletion is part of the history, with the digest that the tag had; it is there when the tag is gone."""
    early = BEGAN.plus(-100)
    past.push(1, time=early)
    past.delete(time=early.plus(1))
    past.delete(time=early.plus(2))
    found = call.get(PATH)["items"]
    assert [(one["action"], one["digest"], one["decision"], one["recorded"]) for one in found] == [
        ("delete", None, "unchanged", None),
        ("delete", digest(1), "removed", None),
        ("push", digest(1), "moved", digest(1)),
    ]
    assert found[0]["policies"] == []


def test_what_came_too_late_is_marked(call, past, here):
    """An event that was heard of too late is shown as such and is not what the tag had afterwards."""
    past.push(1)
    (first,) = here.stores.ledger.history(NAME)
    late = Entry(push("late", digest(9), BEGAN.plus(2)), Decision.NOTED, None, first.record, late=True)
    state = here.stores.ledger.state(NAME)
    here.stores.ledger.write([Change(NAME, state.version, TagState(state.record, state.last, 2), (late,))])
    past.delete(time=BEGAN.plus(3))
    assert [(one["digest"], one["late"]) for one in call.get(PATH)["items"]] == [
        (digest(1), False),
        (digest(9), True),
        (digest(1), False),
    ]


def test_pages(call, past):
    """A long history is read in parts."""
    for number in range(5):
        past.push(number)
    answer = call("GET", f"{PATH}?limit=2&offset=1")
    assert [one["digest"] for one in answer.get_json()["items"]] == [digest(3), digest(2)]
    assert answer.get_json()["total"] == 5
    assert answer.headers["Link"] == f'</api/v1{PATH}?limit=2&offset=3>; rel="next"'


@pytest.mark.parametrize("path", ["a/b/c%2Fd/1.0", "a%2Fb%2Fc%2Fd/1.0", "a/b/c/d/1.0"])
def test_slashes_of_a_repository(call, past, path):
    """A repository of any depth is found, with its slashes escaped or not."""
    past.push(1, replace(NAME, repository=Repository("a/b/c/d")))
    assert call.get(f"/registries/main/history/{path}")["total"] == 1


def test_a_tag_that_nobody_knows(call):
    """A tag of which nothing was ever heard has no history."""
    found = problem(call("GET", PATH), 404)
    assert found["detail"] == "no history for team/app:1.0 in main"


@pytest.mark.parametrize("path", ["Team/1.0", "team/-", "team/app/" + "x" * 129, "a/./b", "team//app/1.0"])
def test_names_that_are_none(call, path):
    """A text that is no name is refused with what is wrong with it."""
    assert "is no " in problem(call("GET", f"/registries/main/history/{path}"), 400)["detail"]
