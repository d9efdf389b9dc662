"""Every command of both command lines behaves alike: examples, JSON, exit statuses."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from enforcer.cli import group as enforcer
from worker.cli import group as worker

PROGRAMS = {"enforcer": enforcer, "enforcer-worker": worker}

WITHOUT_JSON = {"enforcer up", "enforcer serve", "enforcer demo", "enforcer-worker run"}
"""They list nothing: what they write is a log, or a story."""

WITHOUT_CONFIGURATION = {"enforcer demo", "enforcer policy match"}


def commands_of(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command that people may run, with its whole name."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands_of(inner, f"{path} {name}")
    elif not command.hidden:
        yield path, command


COMMANDS = {path: command for name, group in PROGRAMS.items() for path, command in commands_of(group, name)}
every_command = pytest.mark.parametrize("path", COMMANDS)


def run(path: str, *words: str):
    """Run a command by its whole name."""
    program, *names = path.split()
    return CliRunner().invoke(PROGRAMS[program], [*names, *words])


def examples(path: str) -> list[list[str]]:
    """The words behind the command's name in each example of its help, as far as they are its own."""
    text = re.sub(r"\\\n\s*", "", run(path, "--help").stdout.partition("Example")[2])
    lines = re.findall(r"^ {2,}(?:.* \| )?(?:\S+=\S+ )?(enforcer(?:-worker)? .*)$", text, re.MULTILINE)
    lines += re.findall(r"^ {2,}(enforcer(?:-worker)? .*?) \|", text, re.MULTILINE)
    found = [shlex.split(re.split(r" [|>]", line)[0], comments=True) for line in lines]
    depth = len(path.split())
    return [words[depth:] for words in found if words[:depth] == path.split()]


@every_command
def test_help_has_an_example(path):
    """Each help text shows the command at work."""
    result = run(path, "--help")
    assert result.exit_code == 0
    assert examples(path)


@every_command
def test_a_configuration_that_cannot_be_used(path, tmp_path, monkeypatch):
    """Each example is right usage, and with a wrong configuration ends with status 1 and the key that is wrong."""
    if path in WITHOUT_CONFIGURATION:
        return
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "wrong.toml"
    file.write_text('redis_ulr = "redis://127.0.0.1"\n')
    for shown in examples(path):
        words = [re.sub(r"^sha256:\w+\.\.\.$", f"sha256:{0:064}", word) for word in shown]
        for name in words:
            if re.fullmatch(r"[\w*-]+(\.\w+)+", name):  # a file that the example reads
                (tmp_path / name).touch()
        result = run(path, *words, "--config", str(file))
        assert result.exit_code == 1, (words, result.output)
        assert "redis_ulr" in result.output


@every_command
def test_json_where_there_is_something_to_list(path):
    """Whatever lists something does so as JSON, too."""
    has_json = "--json" in {option for parameter in COMMANDS[path].params for option in parameter.opts}
    assert has_json is (path not in WITHOUT_JSON)


@every_command
def test_exit_statuses_that_are_named_are_those_that_there_are(path):
    """0 done, 1 failed, 2 wrong usage, 3 drift or violations found: no help text names another."""
    _, _, named = run(path, "--help").stdout.partition("Exit status:")
    assert set(re.findall(r"^ {2,}(\d+) ", named, re.MULTILINE)) <= {"0", "1", "2", "3"}


@every_command
def test_wrong_usage(path):
    """An option that is none is wrong usage: status 2, and how it would be right."""
    result = run(path, "--no-such-option")
    assert result.exit_code == 2
    assert "Usage: " in result.stderr


@pytest.mark.parametrize("module", ["enforcer", "worker"])
def test_help_is_quick(module):
    """Asking for help imports nothing that only the work needs."""
    code = f"import sys; from {module}.cli import group; print(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("apprise", "flask", "rq", "gunicorn"):
        assert f"'{heavy}'" not in loaded
