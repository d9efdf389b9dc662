"""`enforcer serve`: the receiver alone."""

from __future__ import annotations

from pathlib import Path

import click

from enforcer.cli import logs
from enforcer.cli.settings import read_settings, settings_option
from enforcer.store.opening import prepared
from enforcer.web.server import Server


@click.command(
    epilog="""\b
Example:
  ENFORCER_CONFIG=/etc/enforcer.toml enforcer serve

\b
Workers run as enforcer-worker run, on this host or any number of others.
"""
)
@settings_option
@click.option("--needs-workers", is_flag=True, hidden=True, help="Ready only while workers run; up says so.")
def serve(config: Path | None, needs_workers: bool) -> None:
    """Serve the receiver and the APIs, without workers."""
    settings = read_settings(config)
    logs.configure(settings.log_level)
    with prepared(settings):
        Server(settings, needs_workers=needs_workers).run()
