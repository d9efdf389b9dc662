"""What both command lines share: the settings option, the help of groups, and how commands fail."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
from redis import RedisError

from enforcer.errors import EnforcerError, InvalidName, InvalidPattern, InvalidPolicy, InvalidSettings
from enforcer.settings.settings import Settings, load

FAILED = 1
FOUND = 3
"""The exit status of a command that found drift or violations."""
INTERRUPTED = 128 + signal.SIGINT
UNREAD = 128 + signal.SIGPIPE
"""The exit status of a command whose output nobody reads any more, as in `… | head -1`."""

Command = TypeVar("Command", bound=Callable[..., Any])


class Group(click.Group):
    """Commands whose descriptions are listed whole, over as many lines as they take."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        shown = [(name, command) for name, command in commands if not command.hidden]
        longest = max(len(command.help or "") for _, command in shown)
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(longest)) for name, command in shown])

    def invoke(self, ctx: click.Context) -> Any:
        """Do what is asked. Raises `Unread` when nobody reads the output any more."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise Unread from error


class Unread(Exception):
    """Whoever read standard output has ended."""


def settings_option(command: Command) -> Command:
    """Give a command the option `--config`, as a path."""
    option = click.option(
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Configuration file; default: $ENFORCER_CONFIG, else ./enforcer.toml.",
    )
    return option(command)


def read_settings(config: Path | None) -> Settings:
    """The settings; what is wrong with them is printed, a line each, and ends the command."""
    try:
        return load(config)
    except InvalidSettings as error:
        context = click.get_current_context(silent=True)
        program = context.find_root().info_name if context else "enforcer"
        for problem in error.problems:
            click.echo(f"{program}: {problem}", err=True)
        sys.exit(FAILED)


@contextmanager
def reading_usage() -> Iterator[None]:
    """Reading what was given on the command line: what cannot be read is wrong usage."""
    try:
        yield
    except (InvalidName, InvalidPattern, InvalidPolicy) as error:
        raise click.UsageError(str(error)) from error


def run(group: click.Group, name: str) -> NoReturn:
    """Run a command line to its exit status.

    One of our own errors, Redis away or a file that cannot be used ends it with a text and status 1, Ctrl-C with 130.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was opened is closed
    try:
        sys.exit(group.main(prog_name=name, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except Unread:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left in the buffer goes nowhere
        sys.exit(UNREAD)
    except EnforcerError as error:
        _fail(name, str(error))
    except RedisError as error:
        _fail(name, f"Redis does not do what it is asked: {error}")
    except OSError as error:
        _fail(name, f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _fail(name: str, text: str) -> NoReturn:
    click.echo(f"{name}: {text}", err=True)
    sys.exit(FAILED)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines, their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
