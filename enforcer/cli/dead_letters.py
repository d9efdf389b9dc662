"""`enforcer dead-letters`: notifications that were not understood."""

from __future__ import annotations

import json
from pathlib import Path

import click

from enforcer.cli.settings import read_settings, settings_option
from enforcer.store.connection import running_database
from enforcer.store.stores import Stores


@click.command(
    "dead-letters",
    epilog="""\b
Examples:
  enforcer dead-letters
  enforcer dead-letters --json | jq -r .body
""",
)
@settings_option
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1_000_000), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with what was sent.")
def dead_letters(config: Path | None, limit: int, as_json: bool) -> None:
    """List notifications that were not understood, newest first, and why."""
    settings = read_settings(config)
    with running_database(*settings.database) as redis:
        letters = list(Stores.open(settings, redis).log.dead_letters(limit))
    for letter in letters:
        if as_json:
            fields = {"time": letter.time, "registry": letter.registry, "reason": letter.reason}
            click.echo(json.dumps(fields | {"body": letter.body.decode(errors="replace")}))
        else:
            click.echo(f"{letter.time}  {letter.registry}  {letter.reason}")
    if not letters and not as_json:
        click.echo("no dead letters", err=True)
