"""`enforcer up`: everything in one command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from enforcer import logs
from enforcer.command_line import read_settings, settings_option


@click.command(
    epilog="""\b
Example, in an empty directory:
  enforcer up
"""
)
@settings_option
def up(config: Path | None) -> None:
    """Run the receiver, the workers and, if so configured, a Redis of its own, until Ctrl-C.

    Where there is no configuration yet, a first one is written to ./enforcer.toml.
    """
    from enforcer.first_settings import write_first
    from enforcer.registry_config import notification_block
    from enforcer.start import parts, prepared
    from enforcer.supervisor import Supervisor

    file = config or Path(os.environ.get("ENFORCER_CONFIG") or "enforcer.toml")
    if not file.exists():
        write_first(file)
        click.echo(f"wrote a first configuration to {file}", err=True)
    settings = read_settings(file)
    logs.configure(settings.log_level)
    for name in settings.registries:
        click.echo(notification_block(settings, name))
    with prepared(settings):
        sys.exit(Supervisor(parts(file.absolute())).run())
