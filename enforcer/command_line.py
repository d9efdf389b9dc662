"""What both command lines share: the settings option, and the one place where an error becomes text and a status."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from redis import RedisError

from enforcer.errors import EnforcerError, InvalidSettings
from enforcer.settings import Settings, load

FAILED = 1
FOUND = 3
"""The exit status of a command that found drift or violations."""

Command = TypeVar("Command", bound=Callable[..., Any])


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
        for problem in error.problems:
            click.echo(f"enforcer: {problem}", err=True)
        sys.exit(FAILED)


def run(group: click.Group, name: str) -> None:
    """Run a command line; one of our own errors, or Redis away, ends it with its text and status 1."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that what was opened is closed
    try:
        group.main(prog_name=name)
    except EnforcerError as error:
        click.echo(f"{name}: {error}", err=True)
        sys.exit(FAILED)
    except RedisError as error:
        click.echo(f"{name}: Redis does not do what it is asked: {error}", err=True)
        sys.exit(FAILED)
