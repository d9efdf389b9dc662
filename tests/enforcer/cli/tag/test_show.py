from __future__ import annotations

import json

import pytest

from enforcer.cli.tag import tag
from enforcer.policies.unlock import Unlock
from enforcer.store.ledger import Ledger
from enforcer.store.policies import PolicyStore
from enforcer.store.violations import Violations
from enforcer.times import Time
from tests.fakes.events import MAIN, digest
from tests.fakes.ledger import Past
from tests.fakes.policies import policy
from tests.fakes.stores import stores
from tests.fakes.violations import violation

BEGAN = Time("2026-11-22T04:00:00Z")


@pytest.fixture
def past(database):
    return Past(Ledger(database), policy(7, "**", effective_since=BEGAN), began=BEGAN)


@pytest.fixture
def run(invoke):
    return lambda command, *arguments: invoke(tag.lazy[command].load(), *arguments)


def test_history_newest_first(run, past):
    """Every digest that the tag had is a line: when, what, by whom, from where, and what came of it."""
    past.push(1, actor="ci", address="192.0.2.1:1")
    past.push(2)
    past.delete()
    result = run("history", "team/app:1.0")
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["TIME", "ACTION", "DIGEST", "DECISION", "CLAIMED", "ACTOR", "CLAIMED", "ADDRESS", "REASON"],
        ["2026-11-22T04:00:03.000Z", "delete", digest(1), "deleted", "-", "-"],
        ["2026-11-22T04:00:02.000Z", "push", digest(2), "overwritten", "-", "-"],
        ["2026-11-22T04:00:01.000Z", "push", digest(1), "recorded", "ci", "192.0.2.1:1"],
    ]


def test_history_names_our_own_doings(run, past):
    """What a sweep found and what we put back has no client; what only says so does."""
    past.push(1, user_agent="tag-enforcer sweep")
    past.push(2, user_agent="tag-enforcer", actor="mallory", address="192.0.2.1:1")
    past.push(1, user_agent="tag-enforcer", actor="robot", address="192.0.2.9:1")
    lines = run("history", "team/app:1.0").stdout.splitlines()[1:]
    assert [line.split()[3:-1] for line in lines] == [
        ["unchanged", "put", "back", "by", "Tag", "Enforcer"],
        ["overwritten", "mallory"],
        ["recorded", "found", "by", "a", "sweep"],
    ]


def test_history_names_exceptions(run, past, database):
    """What a policy let pass because of who it was is marked; the same digest again is nothing to let pass."""
    past = Past(
        Ledger(database), policy(7, "**", effective_since=BEGAN, bypass_actors=frozenset({"robot"})), began=BEGAN
    )
    past.push(1, actor="ci")
    past.push(2, actor="robot")
    past.push(2, actor="robot")
    lines = run("history", "team/app:1.0").stdout.splitlines()[1:]
    assert [line.split()[3:] for line in lines] == [
        ["unchanged", "robot", "-"],
        ["moved", "(bypass)", "robot", "-"],
        ["recorded", "ci", "-"],
    ]


def test_history_as_json(run, past):
    """With --json each line is an entry with everything that is known of it."""
    past.push(1, actor="ci", user_agent="buildkit")
    (line,) = run("history", "team/app:1.0", "--json").stdout.splitlines()
    entry = json.loads(line)
    assert (entry["digest"], entry["actor"], entry["user_agent"]) == (digest(1), "ci", "buildkit")
    assert (entry["decision"], entry["policies"], entry["late"]) == ("recorded", [7], False)


@pytest.mark.parametrize("command", ["history", "show"])
def test_a_tag_that_nobody_knows(run, command, past):
    """A tag of which nothing was ever heard is a failure, not an empty answer: it may be misspelled."""
    past.push(1)
    result = run(command, "team/app:2.0")
    assert result.exit_code == 1
    assert str(result.exception) == "no history for team/app:2.0 in main"


@pytest.mark.parametrize("command", ["history", "show"])
@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("team/app", "write repository:tag"),
        ("team/APP:1", "no repository"),
        ("team/app:", "no tag"),
        (":1", "no repos"),
    ],
)
def test_what_is_no_tag(run, command, reference, told):
    """What is no tag is wrong usage, told with what is wrong with it."""
    result = run(command, reference)
    assert (result.exit_code, told in result.stderr) == (2, True)


def test_an_unknown_registry(run):
    """A registry that is not configured is wrong usage."""
    result = run("history", "team/app:1.0", "--registry", "mian")
    assert (result.exit_code, "did you mean main?" in result.stderr) == (2, True)


def shown(run):
    return json.loads(run("show", "team/app:1.0", "--json").stdout)


def test_show(run, past, database):
    """What the tag must be, since when, what protects it now, what is unlocked, expected, and not right."""
    past.push(1, media_type="image", actor="ann", address="192.0.2.1:1")
    before = shown(run)
    assert before == {
        "registry": "main",
        "repository": "team/app",
        "tag": "1.0",
        "digest": digest(1),
        "media_type": "image",
        "time": BEGAN.plus(1),
        "claimed_actor": "ann",
        "claimed_address": "192.0.2.1:1",
        "settles": None,
        "deleted": False,
        "approved": None,
        "protected_by": [],
        "unlocks": [],
        "violations": [],
    }
    store = PolicyStore(database)
    made = store.create(policy(tags="1.*"), "ops")
    Violations(database).open([violation(5)])
    assert shown(run) == before | {"protected_by": [made.id], "violations": [violation(5).id]}
    unlocks = [
        Unlock.parse(MAIN, text, seconds=60, now=Time.now(), by="", reason="") for text in ("team/*:*", "team/app:2")
    ]
    first, _ = (stores(database).unlocks.unlock(unlock) for unlock in unlocks)
    assert shown(run) == before | {"unlocks": [first.id], "violations": [violation(5).id]}


def test_show_a_deleted_tag(run, past):
    """A tag that was deleted although it is protected must still be what it was."""
    past.push(1)
    past.delete()
    assert (shown(run)["digest"], shown(run)["deleted"]) == (digest(1), True)


def test_show_a_tag_without_a_record(run, past):
    """A tag that was deleted and not protected need be nothing; for people each fact is a line."""
    past.push(1, time=BEGAN.plus(-20))
    past.delete(time=BEGAN.plus(-10))
    lines = run("show", "team/app:1.0").stdout.splitlines()
    assert [line for line in lines if line.split()[0] in ("tag", "digest", "deleted", "violations")] == [
        "tag              1.0",
        "digest           none",
        "deleted          no",
        "violations       none",
    ]
