from __future__ import annotations

import json

import pytest

from enforcer.cli.tag import tag
from enforcer.store.audit import Audit
from enforcer.store.policies import PolicyStore
from enforcer.times import Time

UNLOCK = ("team/app:1.0", "--for", "30m", "--reason", "rebuild")


@pytest.fixture
def run(invoke, monkeypatch):
    monkeypatch.setenv("LOGNAME", "joan")
    return lambda command, *arguments: invoke(tag.lazy[command].load(), *arguments)


@pytest.fixture
def unlock(run):
    """Unlock something for an hour; returns its id."""
    return lambda text: json.loads(run("unlock", text, "--for", "1h", "--reason", "why", "--json").stdout)["id"]


def stored(database):
    return {unlock.id: unlock for unlock in PolicyStore(database).current().unlocks}


def listed(run, *arguments):
    return [json.loads(line)["id"] for line in run("unlocks", "--json", *arguments).stdout.splitlines()]


def test_unlock(run, database):
    """The tag is unlocked for so long, by whoever is logged in, and people are told until when."""
    before = Time.now()
    result = run("unlock", *UNLOCK)
    (made,) = stored(database).values()
    assert result.stdout == f"unlocked until {made.ends[:19]}Z: unlock {made.id}, team/app:1.0 in main\n"
    assert 1800 <= made.ends.since(before) < 1830
    assert (made.reference, made.by, made.reason) == ("team/app:1.0", "cli:joan", "rebuild")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (UNLOCK[:3], "--reason"),
        (UNLOCK[:1] + UNLOCK[3:], "--for"),
        (("team/app:1.0", "--for", "30", "--reason", "x"), "no duration"),
        (("team/app:1.0", "--for", "8d", "--reason", "x"), "up to 7 days"),
        (("team/app", *UNLOCK[1:]), "write repository:tag"),
        (("team/{app:1.0", *UNLOCK[1:]), "unclosed"),
        ((*UNLOCK, "--registry", "other"), "no registry"),
    ],
)
def test_what_cannot_be_unlocked(run, database, arguments, told):
    """Nothing is unlocked without a reason and an end, or with a pattern that is none."""
    result = run("unlock", *arguments)
    assert (result.exit_code, told in result.stderr) == (2, True)
    assert stored(database) == {}


def test_unlocks(run, unlock):
    """What is unlocked now is listed, for people as a table; what has ended, with --all."""
    first, second = unlock("team/app:1.0"), unlock("team/**:2.*")
    run("lock", str(first))
    assert (listed(run), listed(run, "--all"), listed(run, "--registry", "main")) == (
        [second],
        [first, second],
        [second],
    )
    head, row = run("unlocks").stdout.splitlines()
    assert head.split() == ["ID", "REGISTRY", "TAGS", "UNTIL", "BY", "REASON"]
    assert [*row.split()[:3], *row.split()[4:]] == [str(second), "main", "team/**:2.*", "cli:joan", "why"]


def test_nothing_is_unlocked(run):
    """That there is nothing is told to people only."""
    result = run("unlocks")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "nothing is unlocked\n")
    assert run("unlocks", "--json").stdout == ""


def test_lock_by_id(run, unlock, database):
    """One unlock ends, at once, with the reason in the audit; others stay."""
    first, second = unlock("team/app:1.0"), unlock("team/app:1.0")
    result = run("lock", str(first), "--reason", "done")
    assert result.stdout == f"locked: unlock {first}, team/app:1.0 in main\n"
    assert listed(run) == [second]
    entry = next(Audit(database).newest())
    assert (entry.what, entry.by, entry.reason) == ("locked", "cli:joan", "done")


def test_lock_by_what_was_unlocked(run, unlock):
    """The same words as for the unlock end all that say so, and no other, even one that covers the tag."""
    ended = [unlock("team/app:1.0"), unlock("team/app:1.0")]
    wide = unlock("team/**:1.0")
    result = run("lock", "team/app:1.0", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == ended
    assert listed(run) == [wide]


@pytest.mark.parametrize("which", ["99", "team/app:2.0", "nonsense"])
def test_what_is_not_unlocked(run, unlock, which):
    """What no unlock is called fails, and those that are in force are named."""
    wide = unlock("team/**:*")
    result = run("lock", which)
    assert result.exit_code == 1
    assert str(result.exception) == f"no unlock {which} is in force; those that are: {wide} (team/**:*)"


def test_lock_twice(run, unlock, database):
    """What has ended is not ended again."""
    number = unlock("team/app:1.0")
    run("lock", str(number))
    ends = stored(database)[number].ends
    result = run("lock", str(number))
    assert (result.exit_code, "those that are: none" in str(result.exception)) == (1, True)
    assert stored(database)[number].ends == ends
