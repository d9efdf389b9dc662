"""`enforcer violations`: what was changed that should not have been, and what became of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from enforcer.command_line import FOUND, read_settings, settings_option


@click.command(
    epilog="""\b
Examples:
  enforcer violations
  enforcer violations --json --limit 1000

\b
Exit status:
  0  there are none
  3  there are some
"""
)
@settings_option
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many, newest first."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def violations(config: Path | None, limit: int, as_json: bool) -> None:
    """List violations, newest first."""
    from enforcer.alerts import describe
    from enforcer.database import running_database
    from enforcer.violations import Violations

    settings = read_settings(config)
    with running_database(settings.redis_url.get_secret_value(), settings.data_dir) as redis:
        found = list(Violations(redis).newest(limit=limit))
    for violation in found:
        click.echo(json.dumps(violation.as_dict()) if as_json else describe(violation))
    if not found and not as_json:
        click.echo("no violations", err=True)
    sys.exit(FOUND if found else 0)
