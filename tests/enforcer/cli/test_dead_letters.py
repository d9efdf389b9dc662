from __future__ import annotations

import json

import pytest

from enforcer.cli.dead_letters import dead_letters
from enforcer.store.log import DeadLetter, Log


@pytest.fixture
def letters(database) -> None:
    log = Log(database)
    log.dead_letter([DeadLetter("main", "no JSON: first", b"{\xff\x1b[2J"), DeadLetter("other", "no 'events'", b"{}")])


def test_there_are_none(invoke):
    """That there are none is told to people only."""
    result = invoke(dead_letters)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no dead letters\n")
    assert invoke(dead_letters, "--json").output == ""


def test_one_line_each(invoke, letters):
    """A line says when a notification came, from which registry, and why it was not understood; newest first."""
    result = invoke(dead_letters)
    first, second = result.stdout.splitlines()
    assert first.endswith("Z  other  no 'events'")
    assert second.endswith("Z  main  no JSON: first")
    assert result.exit_code == 0


def test_json_lines_show_what_was_sent(invoke, letters):
    """With --json each line has what was sent as well, in plain ASCII whatever it was."""
    result = invoke(dead_letters, "--json")
    assert result.stdout.isascii()
    assert "\x1b" not in result.stdout
    second = json.loads(result.stdout.splitlines()[1])
    assert second["time"].endswith("Z")
    assert (second["registry"], second["reason"]) == ("main", "no JSON: first")
    assert second["body"] == "{\ufffd\x1b[2J"


def test_limit(invoke, letters):
    """No more than so many are listed."""
    assert len(invoke(dead_letters, "--limit", "1").stdout.splitlines()) == 1
    assert invoke(dead_letters, "--limit", "0").exit_code == 2
