from __future__ import annotations

import json
from dataclasses import replace

import pytest

from enforcer.alerts.message import describe
from enforcer.cli.violations import STATES, violations
from enforcer.judgement.violation import State, Violation
from enforcer.names import Repository
from enforcer.store.violations import Violations
from enforcer.times import Time
from tests.fakes.events import NAME
from tests.fakes.violations import violation


def test_there_are_none(invoke):
    """Without violations the exit status is 0; people are told so beside what a program would read."""
    result = invoke(violations)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no violations\n")
    result = invoke(violations, "--json")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture
def some(database) -> list[Violation]:
    """Three violations, oldest first."""
    found = [violation(1), violation(2, state=State.OBSERVED), violation(3)]
    Violations(database).open(found)
    return found


def test_one_line_each(invoke, some):
    """Violations are described as in an alert, newest first; that there are some is the exit status 3."""
    result = invoke(violations)
    assert result.stdout.splitlines() == [describe(each) for each in reversed(some)]
    assert (result.exit_code, result.stderr) == (3, "")


def test_json_lines(invoke, some):
    """With --json each line is a whole violation, which can be read again."""
    result = invoke(violations, "--json")
    found = [Violation.from_dict(json.loads(line)) for line in result.stdout.splitlines()]
    assert found == list(reversed(some))
    assert result.exit_code == 3


def test_limit(invoke, some):
    """No more than so many are listed."""
    result = invoke(violations, "--limit", "1")
    assert result.stdout.splitlines() == [describe(some[-1])]
    assert invoke(violations, "--limit", "0").exit_code == 2


def ids(invoke, *arguments):
    return [int(json.loads(line)["id"], 16) for line in invoke(violations, "--json", *arguments).stdout.splitlines()]


def test_every_state_can_be_asked_for(invoke, database):
    """The states are those that there are. What was withdrawn is listed only where that is asked for."""
    assert tuple(State) == STATES
    every = [violation(number) for number in range(1, len(STATES) + 1)]
    Violations(database).open(every)
    for one, state in zip(every, State, strict=True):
        Violations(database).update(replace(one, state=state))
    assert ids(invoke) == list(range(len(STATES) - 1, 0, -1))
    assert ids(invoke, "--limit", "1") == [len(STATES) - 1]
    for number, state in enumerate(STATES, 1):
        assert ids(invoke, "--state", state) == [number]


def test_filters(invoke, database):
    """Filters hold together: a repository, a time or how long ago, a state."""
    other = replace(NAME, repository=Repository("team/other"))
    now = Time.now()
    Violations(database).open([violation(1), violation(2, name=other), violation(3, name=other, time=now.plus(-1800))])
    assert ids(invoke, "--repository", "team/other") == [3, 2]
    assert ids(invoke, "--repository", "team/other", "--since", "1h") == [3]
    assert ids(invoke, "--since", "20m") == []
    assert ids(invoke, "--since", violation(2).time) == [3, 2]
    assert ids(invoke, "--registry", "main", "--state", "open", "--since", "1h") == [3]


def test_what_is_filtered_out_does_not_count(invoke, some):
    """The exit status is that of what is listed."""
    assert invoke(violations, "--state", "restored").exit_code == 0
    assert invoke(violations, "--state", "observed").exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--registry", "mian"], "did you mean main?"),
        (["--state", "closed"], "'closed' is not one of"),
        (["--since", "yesterday"], "neither a time like"),
        (["--repository", "team/APP"], "no repository"),
    ],
)
def test_what_cannot_be_asked_for(invoke, some, arguments, told):
    """A misspelled filter fails: an empty answer would look like good news."""
    result = invoke(violations, *arguments)
    assert (result.exit_code, told in result.stderr) == (2, True)


def test_help_says_what_the_exit_status_means(invoke):
    """The help can be used without any other page."""
    result = invoke(violations, "--help")
    assert result.exit_code == 0
    assert "\n    enforcer violations\n" in result.stdout
    assert "\n    3  " in result.stdout
