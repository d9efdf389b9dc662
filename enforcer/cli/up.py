"""`enforcer up`: everything in one command."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import click

from enforcer.cli import logs
from enforcer.cli.settings import read_settings, settings_option
from enforcer.processes.supervisor import Part, Supervisor
from enforcer.registries.notification_config import notification_block
from enforcer.settings.settings import EMBEDDED
from enforcer.settings.template import write_first
from enforcer.store.embedded import EmbeddedServer
from enforcer.store.opening import prepared
from enforcer.store.stores import Stores


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
    file = config or Path(os.environ.get("ENFORCER_CONFIG") or "enforcer.toml")
    is_first = _write_first(file)
    settings = read_settings(file)
    logs.configure(settings.log_level)
    if is_first:
        click.echo("Put this into the registry's config.yml and start it again:\n", err=True)
        click.echo(notification_block(settings, next(iter(settings.registries))))
    with ExitStack() as stack:
        tick = None
        if settings.redis_url.get_secret_value() == EMBEDDED:
            server = EmbeddedServer(settings.data_dir)
            stack.callback(server.stop)
            tick = server.ensure  # starts it again if it dies
        redis = stack.enter_context(prepared(settings))
        Stores.open(settings, redis).heartbeats.forget()  # a killed installation's workers seem to run still
        click.echo(f"Tag Enforcer listens on {settings.listen}; Ctrl-C ends it", err=True)
        sys.exit(Supervisor(parts(file.absolute()), tick=tick).run())


def _write_first(file: Path) -> bool:
    """Write a first configuration where there is none; returns whether it did."""
    try:
        write_first(file)
    except FileExistsError:
        return False
    click.echo(f"wrote a first configuration to {file}", err=True)
    return True


def parts(config: Path) -> list[Part]:
    """The processes of a whole installation, given its configuration file."""
    environment = {"ENFORCER_CONFIG": str(config)}
    return [
        Part("receiver", [sys.executable, "-m", "enforcer", "serve", "--needs-workers"], environment),
        Part("workers", [sys.executable, "-m", "worker", "run"], environment),
    ]
