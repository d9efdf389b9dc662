from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import click
import pytest
import redis
from click.testing import CliRunner

from enforcer.cli.framework import FAILED, Group, Lazy, run
from enforcer.cli.parameters import reading_usage
from enforcer.cli.settings import read_settings, settings_option
from enforcer.errors import EnforcerError, InvalidName, InvalidPattern, InvalidPolicy
from tests.fakes.configuration import REGISTRY


@pytest.fixture(autouse=True)
def _own_signals():
    """`run` takes SIGTERM for itself: gives it back."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True)
class Loaded(Lazy):
    """A command that is there already."""

    command: click.Command = field(kw_only=True)

    def load(self) -> click.Command:
        return self.command


def group_of(command) -> click.Group:
    return Group("tool", lazy={"do": Loaded("", command=click.Command("do", callback=command))})


def run_with(command, *words: str) -> int:
    """The exit status of a command line that does this."""
    with patch("sys.argv", ["tool", *(words or ["do"])]), pytest.raises(SystemExit) as ended:
        run(group_of(command), "tool")
    return ended.value.code


def test_success(capsys):
    """A command that does what it is asked ends with 0."""
    assert run_with(lambda: click.echo("done")) == 0
    assert capsys.readouterr().out == "done\n"


def test_our_own_errors_are_text(capsys):
    """One of our errors is its text on standard error and status 1, no traceback."""

    def fail() -> None:
        raise EnforcerError("the registry is away; start it")

    assert run_with(fail) == FAILED
    assert capsys.readouterr() == ("", "tool: the registry is away; start it\n")


def test_redis_away_is_text(capsys):
    """Redis going away in the middle of a command is an error like any other."""

    def fail() -> None:
        raise redis.ConnectionError("connection refused")

    assert run_with(fail) == FAILED
    assert capsys.readouterr().err == "tool: Redis does not do what it is asked: connection refused\n"


def test_bugs_are_not_hidden():
    """An error that is not foreseen keeps its traceback."""
    with patch("sys.argv", ["tool", "do"]), pytest.raises(ZeroDivisionError):
        run(group_of(lambda: 1 / 0), "tool")


def test_a_file_that_cannot_be_used(capsys, tmp_path):
    """What the operating system refuses is said with the file that it is about."""
    folder = tmp_path / "folder"
    assert run_with(lambda: folder.joinpath("file").write_text("x")) == FAILED
    assert capsys.readouterr().err == f"tool: {folder / 'file'}: No such file or directory\n"


def test_interrupted(capsys):
    """Ctrl-C ends a command without a word, and with the status that shells know."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    assert run_with(interrupt) == 130
    assert capsys.readouterr() == ("", "\n")


def test_exit_with_a_status():
    """The status of a command that ends itself is its status."""
    assert run_with(lambda: click.get_current_context().exit(3)) == 3


@pytest.mark.parametrize("lines", [1, 100_000])
def test_nobody_reads_on(tmp_path, lines):
    """A command whose reader has ended, as `head` does, says nothing of it; shells take its status for no failure."""
    code = (
        "import click\n"
        "from enforcer.cli.framework import Group, Lazy, run\n"
        f"do = click.Command('do', callback=lambda: [click.echo('x') for _ in range({lines})])\n"
        "run(Group('tool', lazy={'do': Lazy('__main__:do')}), 'tool')"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "do"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    assert process.communicate(timeout=30)[1] == ""
    assert process.returncode == 141


def test_what_cannot_be_read_of_the_command_line(capsys):
    """A name, pattern or policy that cannot be one is wrong usage, where it was given on the command line."""
    for error in (InvalidName, InvalidPattern, InvalidPolicy):

        def fail(error=error) -> None:
            with reading_usage():
                raise error("'A' is none")

        assert run_with(fail) == 2
        assert "Error: 'A' is none" in capsys.readouterr().err
        assert run_with(lambda error=error: _raise(error("a stored one"))) == FAILED


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_descriptions_are_listed_whole(columns):
    """However narrow the terminal is, no description of a command is cut off; hidden commands are not listed."""
    words = " ".join(f"word{number}" for number in range(30))
    group = Group("tool", lazy={name: Lazy("nowhere:at_all", "" if name == "c" else f"{words}.") for name in "abc"})
    shown = CliRunner().invoke(group, ["--help"], env={"COLUMNS": str(columns)}).stdout
    assert " ".join(shown.partition("Commands:")[2].split()) == f"a {words}. b {words}."


def test_wrong_usage(capsys):
    """A command that does not exist is wrong usage: status 2."""
    assert run_with(lambda: None, "undo") == 2
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


def test_wrong_settings_are_told_by_the_command_that_was_run(capsys, tmp_path):
    """Each line begins with the name of the program."""
    assert run_with(lambda: read_settings(tmp_path / "none")) == FAILED
    assert capsys.readouterr().err.startswith("tool: ")


def test_the_option_gives_a_path():
    """`--config` arrives as a path, and is none where it is not given."""

    @settings_option
    @click.command("do")
    def command(config) -> None:
        click.echo(repr(config))

    for arguments, given in ((["--config", "a.toml"], repr(Path("a.toml"))), ([], "None")):
        assert CliRunner().invoke(command, arguments).stdout == f"{given}\n"
