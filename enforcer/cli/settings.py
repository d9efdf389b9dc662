"""The option `--config`, and the settings that it leads to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from enforcer.cli.framework import FAILED
from enforcer.errors import InvalidSettings
from enforcer.settings.settings import Settings, load

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
        context = click.get_current_context(silent=True)
        program = context.find_root().info_name if context else "enforcer"
        for problem in error.problems:
            click.echo(f"{program}: {problem}", err=True)
        sys.exit(FAILED)
