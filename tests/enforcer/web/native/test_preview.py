from __future__ import annotations

import pytest

from enforcer.times import Time
from tests.fakes.events import digest
from tests.fakes.ledger import Past
from tests.fakes.native import draft, problem

EVERY_TAG = draft(tags={"pattern": "**"})


@pytest.fixture
def past(here):
    """A ledger that began ten days ago."""
    return Past(here.stores.ledger, began=Time.now().plus(-10 * 86_400))


def look(call, body=EVERY_TAG, query=""):
    answer = call("POST", f"/policies/preview{query}", body)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_what_a_policy_would_do(call, past):
    """The preview names the tags that are there, and what would have been undone, with who did it."""
    past.push(1)
    moved = past.push(2, actor="mallory", address="192.0.2.7:1", user_agent="docker")
    assert look(call) == {
        "tags": {
            "items": [{"repository": "team/app", "tag": "1.0", "digest": digest(2), "time": moved.time}],
            "total": 1,
        },
        "moves": {
            "items": [
                {
                    "repository": "team/app",
                    "tag": "1.0",
                    "kind": "overwritten",
                    "time": moved.time,
                    "recorded": digest(1),
                    "pushed": digest(2),
                    "actor": "mallory",
                    "address": "192.0.2.7:1",
                    "user_agent": "docker",
                }
            ],
            "total": 1,
        },
    }


def test_a_deletion(call, past):
    """A deletion that would have been undone pushed nothing."""
    past.push(1)
    past.delete()
    (move,) = look(call)["moves"]["items"]
    assert (move["kind"], move["pushed"], move["recorded"]) == ("deleted", None, digest(1))
    assert look(call)["tags"]["total"] == 0


def test_how_far_back(call, past):
    """Only what happened in the last days counts."""
    past.push(1)
    past.push(2)
    assert [look(call, query=f"?days={days}")["moves"]["total"] for days in (9, 11)] == [0, 1]


def test_limit(call, past):
    """The lists are cut, their totals are not."""
    for number in range(4):
        past.push(number)
    found = look(call, query="?limit=2")["moves"]
    assert [move["pushed"] for move in found["items"]] == [digest(3), digest(2)]
    assert found["total"] == 3


def test_nothing_is_changed(call, past, here):
    """A preview makes no policy, and none that is there matters to it."""
    call("POST", "/policies", EVERY_TAG)
    past.push(1)
    version = here.stores.policies.current().version
    assert look(call)["tags"]["total"] == 1
    assert here.stores.policies.current().version == version


@pytest.mark.parametrize("query", ["?days=0", "?days=3651", "?limit=0", "?offset=1"])
def test_parameters(call, query):
    """The days and the limit have bounds."""
    problem(call("POST", f"/policies/preview{query}", EVERY_TAG), 400)


def test_an_unknown_registry(call):
    """Nothing can be told of a registry that is not configured."""
    problem(call("POST", "/policies/preview", draft(registry="nowhere")), 404)
