from __future__ import annotations

import pytest

from enforcer.errors import NotFound
from enforcer.store.ledger import Ledger
from enforcer.times import Time
from tests.fakes.events import digest
from tests.fakes.ledger import Past


@pytest.fixture
def past(redis):
    """A tag that was moved twice and deleted, ten days ago."""
    past = Past(Ledger(redis), began=Time.now().plus(-10 * 86_400))
    past.push(1)
    past.push(2, actor="mallory")
    past.push(3)
    return past


def test_in_words(past, enforcer):
    """People read how many tags and moves there are, and which."""
    lines = enforcer.done("preview", "--namespace", "team", "--tags", "*").splitlines()
    assert lines[:2] == ["would protect 1 tags", f"  team/app:1.0  {digest(3).short}"]
    assert lines[2] == "would have undone 2 moves of the last 30 days"
    assert lines[3].endswith(
        f"Z  team/app:1.0 overwritten with {digest(3).short} by an unknown user, instead of {digest(1).short}"
    )
    assert " overwritten with " + digest(2).short + " by a client that claims to be mallory, instead of" in lines[4]


def test_more_than_the_limit(past, enforcer):
    """A long list is cut, and says by how much."""
    lines = enforcer.done("preview", "--namespace", "team", "--tags", "*", "--limit", 1).splitlines()
    assert lines[-1] == "  and 1 more (--limit)"


def test_as_json(past, enforcer):
    """A program gets what the API answers."""
    past.delete(actor="joan", address="192.0.2.1:1", user_agent="crane")
    (found,) = enforcer.json("preview", "--namespace", "team", "--tags", "*")
    assert found["tags"] == {"items": [], "total": 0}
    assert found["moves"]["total"] == 3
    newest = found["moves"]["items"][0]
    assert newest.pop("time").endswith("Z")
    assert newest == {
        "repository": "team/app",
        "tag": "1.0",
        "kind": "deleted",
        "recorded": digest(1),
        "pushed": None,
        "actor": "joan",
        "address": "192.0.2.1:1",
        "user_agent": "crane",
    }


def test_how_far_back(past, enforcer):
    """Only the last days count."""
    found = [enforcer.json("preview", "--namespace", "team", "--tags", "*", "--days", days)[0] for days in (9, 11)]
    assert [one["moves"]["total"] for one in found] == [0, 2]


def test_a_policy_that_is_there(past, enforcer):
    """A stored policy is previewed as it is, or with a change that is not made."""
    enforcer.done("create", "--namespace", "team", "--tags", "r*", "--disabled")
    assert enforcer.json("preview", 1)[0]["tags"]["total"] == 0
    assert enforcer.json("preview", 1, "--tags-exclude", "latest")[0]["tags"]["total"] == 1
    assert [one["revision"] for one in enforcer.json("list")] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the ID of a policy, or --namespace and --tags"),
        (["--namespace", "team"], "give the ID of a policy, or --namespace and --tags"),
        (["--tags", "*"], "give the ID of a policy, or --namespace and --tags"),
        (["1", "--namespace", "team"], "has its registry and namespace already"),
        (["--namespace", "team", "--tags", "*", "--days", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage(enforcer, arguments, message):
    """A preview needs a policy that is there, or one that is described."""
    result = enforcer("preview", *arguments)
    assert message in " ".join(result.stderr.split())
    assert result.exit_code == 2


def test_what_is_refused(enforcer):
    """A policy that could not be created cannot be previewed."""
    assert "no namespace" in enforcer("preview", "--namespace", "A", "--tags", "*").stderr
    assert isinstance(enforcer("preview", 9).exception, NotFound)
