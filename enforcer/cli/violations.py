"""`enforcer violations`: what was changed that should not have been, and what became of it."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path

import click

from enforcer.alerts.message import describe
from enforcer.cli.framework import FOUND
from enforcer.cli.parameters import REPOSITORY, SINCE
from enforcer.cli.session import registry_of
from enforcer.cli.settings import read_settings, settings_option
from enforcer.judgement.violation import Filter, State
from enforcer.names import Repository
from enforcer.store.connection import running_database
from enforcer.store.stores import Stores
from enforcer.times import Time

STATES = tuple(state.value for state in State)


@click.command(
    epilog="""\b
Examples:
  enforcer violations
  enforcer violations --repository team/app --since 2h
  enforcer violations --state 'not restorable' --json

\b
What turned out to be none is withdrawn, and listed only by --state withdrawn.

\b
Exit status:
  0  nothing is listed
  3  something is
"""
)
@settings_option
@click.option("--registry", metavar="NAME", help="Only those in this registry.")
@click.option("--repository", metavar="REPO", type=REPOSITORY, help="Only those in this repository.")
@click.option(
    "--state", type=click.Choice(STATES), metavar="STATE", help=f"Only those that are so: {', '.join(STATES)}."
)
@click.option("--since", type=SINCE, metavar="TIME", help="Only those since 2026-11-22T04:06:40Z, or since 2h ago.")
@click.option(
    "--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many, newest first."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def violations(
    config: Path | None,
    registry: str | None,
    repository: Repository | None,
    state: str | None,
    since: Time | None,
    limit: int,
    as_json: bool,
) -> None:
    """List violations, newest first."""
    settings = read_settings(config)
    wanted = Filter(
        registry=None if registry is None else registry_of(settings, registry),
        repository=repository,
        state=None if state is None else State(state),
        since=since,
    )
    with running_database(*settings.database) as redis:
        matching = Stores.open(settings, redis).violations.matching(wanted)
        shown = (one for one in matching if wanted.state is not None or one.state is not State.WITHDRAWN)
        found = list(islice(shown, limit))
    for violation in found:
        click.echo(json.dumps(violation.as_dict()) if as_json else describe(violation))
    if not found and not as_json:
        click.echo("no violations", err=True)
    sys.exit(FOUND if found else 0)
