"""`enforcer policy apply`: make the policies those that a file declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from enforcer.cli.parameters import NAMESPACE
from enforcer.cli.policy.declared import Reader
from enforcer.cli.policy.wording import differences, one_line
from enforcer.cli.session import login, open_session, registry_of, warn_of_settings
from enforcer.cli.settings import settings_option
from enforcer.names import Namespace
from enforcer.policies.declaration import draft
from enforcer.policies.difference import Difference

_DONE = {False: ("created", "changed", "deleted"), True: ("would create", "would change", "would delete")}


@click.command(
    epilog="""\b
Examples:
  enforcer policy apply policies.toml --dry-run
  enforcer policy apply enforcer.toml
  enforcer policy apply harbor-rules.json --namespace library
  enforcer policy export | ssh other enforcer policy apply - --prune

\b
FILE has [[policies]] tables as in enforcer.toml, whose other keys do not
matter here; or it is JSON as exported from Harbor (a list of the rules of one
project) or from SWR (an object with immutable_rules). - is standard input.

\b
A declared policy is the one that selects the same tags of the same
repositories. A policy that FILE does not declare stays, except where its
namespace may have only one: that one becomes what is declared. With --prune,
all that FILE does not declare are deleted, in every registry and namespace,
but for those that the configuration declares.
"""
)
@settings_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--registry", metavar="NAME", help="Registry of exported rules; default: the only one.")
@click.option("--namespace", metavar="NAME", type=NAMESPACE, help="Namespace of rules exported from Harbor.")
@click.option("--prune", is_flag=True, help="Delete what FILE does not declare.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--json", "as_json", is_flag=True, help="What was done as one JSON object.")
def apply(
    config: Path | None,
    file: str,
    registry: str | None,
    namespace: Namespace | None,
    prune: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make the policies those that FILE declares, all of them at once or none."""
    with click.open_file(file, "rb") as opened:
        content = opened.read()
    with open_session(config) as session:
        settings = session.settings
        name = "standard input" if file == "-" else file
        reader = Reader(settings, name, lambda: registry_of(settings, registry), namespace)
        difference = session.stores.policies.apply(
            reader.read(content),
            login(),
            spared=[draft(policy) for policy in settings.policies],
            prune=prune,
            dry_run=dry_run,
        )
    if as_json:
        click.echo(json.dumps(_as_dict(difference, dry_run=dry_run)))
    else:
        _tell(difference, dry_run=dry_run)
    warn_of_settings(*(after for _, after in difference.changed), *difference.removed)


def _as_dict(difference: Difference, *, dry_run: bool) -> dict[str, Any]:
    return {
        "created": [policy.as_dict() for policy in difference.created],
        "changed": [{"before": before.as_dict(), "after": after.as_dict()} for before, after in difference.changed],
        "deleted": [policy.as_dict() for policy in difference.removed],
        "dry_run": dry_run,
    }


def _tell(difference: Difference, *, dry_run: bool) -> None:
    created, changed, deleted = _DONE[dry_run]
    lines = [f"{created}: {one_line(policy)}" for policy in difference.created]
    for before, after in difference.changed:
        lines.append(f"{changed}: {one_line(after)}")
        lines += [f"  {line}" for line in differences(before, after)]
    lines += [f"{deleted}: {one_line(policy)}" for policy in difference.removed]
    click.echo("\n".join(lines) or "nothing to change")
