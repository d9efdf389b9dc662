"""Every command of both command lines behaves alike: examples, JSON, exit statuses."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import nullcontext, suppress

import click
import pytest
from click.testing import CliRunner

from tests.fakes.command_lines import COMMANDS, EVERYTHING, PROGRAMS, files_of, ours, parsed

WITHOUT_JSON = {
    "enforcer up": "it runs until it is stopped, and writes a log",
    "enforcer serve": "it runs until it is stopped, and writes a log",
    "enforcer-worker run": "it runs until it is stopped, and writes a log",
    "enforcer demo": "it tells a story, for people",
}

WITHOUT_CONFIGURATION = {"enforcer demo", "enforcer policy match"}


everything = pytest.mark.parametrize("path", EVERYTHING)
every_command = pytest.mark.parametrize("path", COMMANDS)
every_group = pytest.mark.parametrize("path", sorted(EVERYTHING.keys() - COMMANDS.keys()))


def run(path: str, *words: str, columns: int = 80):
    """Run a command by its whole name."""
    program, *names = path.split()
    return CliRunner().invoke(PROGRAMS[program], [*names, *words], env={"COLUMNS": str(columns)})


def examples(path: str) -> list[list[str]]:
    """Our own command lines in the examples of a help text."""
    text = run(path, "--help").stdout.partition("Example")[2].partition("Exit status")[0]
    lines = re.findall(r"^ {4}(\S.*)$", re.sub(r"\\\n\s*", "", text), re.MULTILINE)
    return [words for line in lines for words in ours(line)]


@everything
def test_help_has_an_example(path):
    """Each help text, of a group too, shows the command at work."""
    result = run(path, "--help")
    assert result.exit_code == 0
    assert [words for words in examples(path) if words[: len(path.split())] == path.split()]


@everything
def test_examples_are_right_usage(path, tmp_path, monkeypatch):
    """Every command line of an example, its pipes included, is taken by the command that it calls."""
    monkeypatch.chdir(tmp_path)
    for words in examples(path):
        for name in files_of(words):
            (tmp_path / name).touch()
        with suppress(click.exceptions.Exit) if words[-1] == "--help" else nullcontext():
            parsed(words)


@every_command
def test_a_configuration_that_cannot_be_used(path, tmp_path, monkeypatch):
    """With a wrong configuration each command ends with status 1, and names the key on standard error or as JSON."""
    if path in WITHOUT_CONFIGURATION:
        return
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "wrong.toml"
    file.write_text('redis_ulr = "redis://127.0.0.1"\n')
    depth = len(path.split())
    for shown in examples(path):
        if shown[:depth] != path.split():
            continue
        words = [re.sub(r"^sha256:\w+\.\.\.$", f"sha256:{0:064}", word) for word in shown[depth:]]
        for name in files_of(words):
            (tmp_path / name).touch()
        result = run(path, *words, "--config", str(file))
        assert result.exit_code == 1, (words, result.output)
        assert "redis_ulr" in (result.stdout if path == "enforcer check" else result.stderr)


@every_command
def test_json_where_there_is_something_to_list(path):
    """Whatever prints a result does so as JSON, too."""
    has_json = "--json" in {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert has_json is (path not in WITHOUT_JSON)


@everything
def test_options_say_what_they_do(path):
    """Each option has a help text, and none is a bare type."""
    for parameter in EVERYTHING[path].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.metavar or parameter.type.name != "text", parameter.name


@everything
def test_exit_statuses_that_are_named_are_those_that_there_are(path):
    """0 done, 1 failed, 2 wrong usage, 3 drift or violations found: no help text names another."""
    _, _, named = run(path, "--help").stdout.partition("Exit status")
    assert set(re.findall(r"^ {2,}(\d+) ", named, re.MULTILINE)) <= {"0", "1", "2", "3"}


@every_group
@pytest.mark.parametrize("columns", [80, 120])
def test_descriptions_are_listed_whole(path, columns):
    """The list of commands has the first sentence of each, and cuts none off."""
    shown = " ".join(run(path, "--help", columns=columns).stdout.split())
    for name, lazy in EVERYTHING[path].lazy.items():
        command = lazy.load()
        if not command.hidden:
            first = re.split(r"(?<=\.)\s", " ".join(command.help.split()))[0]
            assert f" {name} {first}" in shown


@every_group
def test_commands_are_listed_by_their_names(path):
    """The name by which a group knows a command is the command's own; a hidden one has no summary."""
    for name, lazy in EVERYTHING[path].lazy.items():
        assert lazy.load().name == name
        assert lazy.load().hidden is (lazy.summary == "")


@everything
def test_help_fits_a_terminal(path):
    """No line of a help text is wider than 80 columns."""
    assert [line for line in run(path, "--help").stdout.splitlines() if len(line) > 80] == []


@everything
def test_wrong_usage(path):
    """An option that is none is wrong usage: status 2, and how it would be right."""
    result = run(path, "--no-such-option")
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert result.stdout == ""


@every_group
def test_help_is_quick(path):
    """Asking a group for help imports nothing that only the work needs."""
    program, *names = path.split()
    module = {"enforcer": "enforcer.cli.main", "enforcer-worker": "worker.commands.main"}[program]
    code = f"""if True:
        import sys
        from {module} import group
        group({[*names, "--help"]}, standalone_mode=False)
        print("loaded", *sys.modules)
    """
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    help_text, _, loaded = printed.partition("\nloaded ")
    assert "Commands:" in help_text
    heavy = {"apprise", "flask", "rq", "gunicorn", "requests", "pydantic", "rich", "wcmatch"}
    assert heavy & set(loaded.split()) == set()
