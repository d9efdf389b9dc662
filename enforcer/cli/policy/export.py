"""`enforcer policy export`: the policies as a file that `apply` takes."""

from __future__ import annotations

import json
from pathlib import Path

import click

from enforcer.cli.parameters import NAMESPACE
from enforcer.cli.session import open_session, policies_of
from enforcer.cli.settings import settings_option
from enforcer.names import Namespace
from enforcer.policies.declaration import short_declaration, to_toml


@click.command(
    epilog="""\b
Examples:
  enforcer policy export > policies.toml
  enforcer policy export --namespace library >> enforcer.toml
"""
)
@settings_option
@click.option("--registry", metavar="NAME", help="Only policies of this registry.")
@click.option("--namespace", metavar="NAME", type=NAMESPACE, help="Only policies of this namespace.")
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object, which apply takes as well.")
def export(config: Path | None, registry: str | None, namespace: Namespace | None, as_json: bool) -> None:
    """Print the policies as [[policies]] tables."""
    with open_session(config) as session:
        found = policies_of(session, registry, namespace)
    if as_json:
        click.echo(json.dumps({"policies": [short_declaration(policy) for policy in found]}, indent=2))
    else:
        click.echo(to_toml(found), nl=False)
