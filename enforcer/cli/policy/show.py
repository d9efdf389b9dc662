"""`enforcer policy list` and `show`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from enforcer.cli.framework import table
from enforcer.cli.parameters import NAMESPACE
from enforcer.cli.policy.wording import details, place, selected, state
from enforcer.cli.session import open_session, policies_of
from enforcer.cli.settings import settings_option
from enforcer.names import Namespace


@click.command(
    "list",
    epilog="""\b
Examples:
  enforcer policy list
  enforcer policy list --namespace library --json | jq .tags
""",
)
@settings_option
@click.option("--registry", metavar="NAME", help="Only policies of this registry.")
@click.option("--namespace", metavar="NAME", type=NAMESPACE, help="Only policies of this namespace.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_policies(config: Path | None, registry: str | None, namespace: Namespace | None, as_json: bool) -> None:
    """List the policies, by id."""
    with open_session(config) as session:
        found = policies_of(session, registry, namespace)
    if as_json:
        for policy in found:
            click.echo(json.dumps(policy.as_dict()))
    elif found:
        head = ("ID", "NAMESPACE", "REPOSITORIES", "TAGS", "STATE", "COMMENT")
        rows = [
            (str(one.id), place(one), selected(one.repositories), selected(one.tags), state(one), one.comment)
            for one in found
        ]
        click.echo("\n".join(table([head, *rows])))
    else:
        click.echo("no policies", err=True)


@click.command(
    epilog="""\b
Example:
  enforcer policy show 3
"""
)
@settings_option
@click.argument("policy_id", metavar="ID", type=int)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def show(config: Path | None, policy_id: int, as_json: bool) -> None:
    """Show all of a policy."""
    with open_session(config) as session:
        policy = session.stores.policies.current().get(policy_id)
    click.echo(json.dumps(policy.as_dict()) if as_json else "\n".join(details(policy)))
