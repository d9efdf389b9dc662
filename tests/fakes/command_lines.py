"""Both command lines as a reader of their help or documentation meets them: every command, and how one is written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import click

from enforcer.cli.framework import Group
from enforcer.cli.main import group as enforcer
from worker.commands.main import group as worker

PROGRAMS = {"enforcer": enforcer, "enforcer-worker": worker}


def _below(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    if command.hidden:
        return
    yield path, command
    if isinstance(command, Group):
        for name, lazy in command.lazy.items():
            yield from _below(lazy.load(), f"{path} {name}")


EVERYTHING = {path: command for name, group in PROGRAMS.items() for path, command in _below(group, name)}
"""Each command that people may run by its whole name, groups included."""

COMMANDS = {path: command for path, command in EVERYTHING.items() if not isinstance(command, click.Group)}


def ours(line: str) -> list[list[str]]:
    """Our own command lines in one that a shell would take, as words, without pipes, redirections and variables."""
    parts = re.split(r"(?:^|\s)\|\s", line)
    commands = [re.sub(r"^(\S+=\S+ |ssh \S+ )", "", part.strip()) for part in parts]
    return [
        shlex.split(re.split(r" >", command)[0], comments=True)
        for command in commands
        if re.match(r"enforcer(-worker)?( |$)", command)
    ]


def parsed(words: list[str]) -> click.Context:
    """The context of the innermost command that the words call, once they are parsed. Raises `click.UsageError`.

    A digest that is shortened stands for any.
    """
    words = [f"sha256:{0:064}" if re.fullmatch(r"sha256:\w+\.\.\.", word) else word for word in words]
    command, context = PROGRAMS[words[0]], None
    while isinstance(command, click.Group):
        context = command.make_context(words[0], words[1:], parent=context)
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        words = [name, *rest]
    return command.make_context(words[0], words[1:], parent=context)


def files_of(words: list[str]) -> list[str]:
    """The files that a command line reads."""
    return [word for word in words if re.fullmatch(r"[\w*-]+\.(toml|json|jsonl)(\.gz)?", word)]
