"""Both command lines: groups that import a command when it is called, exit statuses, and how commands fail."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import click
from redis import RedisError

from enforcer.errors import EnforcerError

FAILED = 1
FOUND = 3
"""The exit status of a command that found drift or violations."""
INTERRUPTED = 128 + signal.SIGINT
UNREAD = 128 + signal.SIGPIPE
"""The exit status of a command whose output is read no more, as in `… | head -1`."""


@dataclass(frozen=True, slots=True)
class Lazy:
    """A command that is imported when it is called, so that help stays quick.

    `source` is `module:name`; `summary` is the first sentence of its help, which its group lists, or empty if hidden.
    """

    source: str
    summary: str = ""

    def load(self) -> click.Command:
        """Import it."""
        module, _, name = self.source.partition(":")
        command = getattr(import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.source} is no command")
        return command


class Group(click.Group):
    """Commands by their names, whose summaries are listed whole, over as many lines as they take."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **options: Any) -> None:
        super().__init__(*args, **options)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        known = self.lazy.get(cmd_name)
        return known.load() if known else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        shown = [(name, self.lazy[name].summary) for name in self.list_commands(ctx) if self.lazy[name].summary]
        with formatter.section("Commands"):
            formatter.write_dl(shown)

    def invoke(self, ctx: click.Context) -> Any:
        """Do what is asked. Raises `Unread` when the output is read no more."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise Unread from error


class Unread(Exception):
    """The reader of standard output has ended."""


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
