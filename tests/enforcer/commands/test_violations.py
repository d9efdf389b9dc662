from __future__ import annotations

import json

import pytest

from enforcer.alerts import describe
from enforcer.commands.violations import violations
from enforcer.violations import State, Violation, Violations
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


def test_help_says_what_the_exit_status_means(invoke):
    """The help can be used without any other page."""
    result = invoke(violations, "--help")
    assert result.exit_code == 0
    assert "\n    enforcer violations\n" in result.stdout
    assert "\n    3  " in result.stdout
