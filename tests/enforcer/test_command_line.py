from __future__ import annotations

import signal
from pathlib import Path

import click
import pytest
import redis
from click.testing import CliRunner

from enforcer.command_line import FAILED, read_settings, run, settings_option
from enforcer.errors import EnforcerError
from tests.fakes.configuration import REGISTRY


@pytest.fixture(autouse=True)
def _own_signals():
    """`run` takes SIGTERM for itself: gives it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def group_of(command) -> click.Group:
    return click.Group("tool", {"do": click.Command("do", callback=command)})


def run_with(monkeypatch, command) -> int:
    """The exit status of a command line that does this."""
    monkeypatch.setattr("sys.argv", ["tool", "do"])
    with pytest.raises(SystemExit) as ended:
        run(group_of(command), "tool")
    return ended.value.code


def test_success(monkeypatch, capsys):
    """A command that does what it is asked ends with 0."""
    assert run_with(monkeypatch, lambda: click.echo("done")) == 0
    assert capsys.readouterr().out == "done\n"


def test_our_own_errors_are_text(monkeypatch, capsys):
    """One of our errors is its text on standard error and status 1, no traceback."""

    def fail() -> None:
        raise EnforcerError("the registry is away; start it")

    assert run_with(monkeypatch, fail) == FAILED
    assert capsys.readouterr() == ("", "tool: the registry is away; start it\n")


def test_redis_away_is_text(monkeypatch, capsys):
    """Redis going away in the middle of a command is an error like any other."""

    def fail() -> None:
        raise redis.ConnectionError("connection refused")

    assert run_with(monkeypatch, fail) == FAILED
    assert capsys.readouterr().err == "tool: Redis does not do what it is asked: connection refused\n"


def test_bugs_are_not_hidden(monkeypatch):
    """What nobody thought of keeps its traceback."""
    monkeypatch.setattr("sys.argv", ["tool", "do"])
    with pytest.raises(ZeroDivisionError):
        run(group_of(lambda: 1 / 0), "tool")


def test_wrong_usage(monkeypatch, capsys):
    """A command that does not exist is wrong usage: status 2."""
    monkeypatch.setattr("sys.argv", ["tool", "undo"])
    with pytest.raises(SystemExit) as ended:
        run(group_of(lambda: None), "tool")
    assert ended.value.code == 2
    assert "undo" in capsys.readouterr().err


def test_settings_of_the_given_file(tmp_path):
    """The file that is named is read."""
    file = tmp_path / "other.toml"
    file.write_text(REGISTRY)
    assert set(read_settings(file).registries) == {"main"}


def test_wrong_settings_are_a_line_each(tmp_path, capsys):
    """Every problem of the configuration is said at once, with the command's status 1."""
    file = tmp_path / "enforcer.toml"
    file.write_text('nonsense = 1\nlisten = "nowhere"\n' + REGISTRY)
    with pytest.raises(SystemExit) as ended:
        read_settings(file)
    assert ended.value.code == FAILED
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("enforcer: ") for line in lines)
    assert any("nonsense" in line for line in lines)
    assert any("listen" in line for line in lines)


def test_the_option_gives_a_path():
    """`--config` arrives as a path, and is none where it is not given."""

    @settings_option
    @click.command("do")
    def command(config) -> None:
        click.echo(repr(config))

    for arguments, given in ((["--config", "a.toml"], repr(Path("a.toml"))), ([], "None")):
        assert CliRunner().invoke(command, arguments).stdout == f"{given}\n"
