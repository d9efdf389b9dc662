"""`enforcer policy create`, `update`, `enable`, `disable` and `delete`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from enforcer.cli.policy.options import checked, given_fields, policy_options
from enforcer.cli.policy.wording import differences, one_line
from enforcer.cli.session import Session, login, open_session, registry_of, warn_of_settings
from enforcer.cli.settings import settings_option
from enforcer.policies.declaration import declaration, draft
from enforcer.policies.policy import Policy

_json_option = click.option("--json", "as_json", is_flag=True, help="The policy as one JSON object.")


@click.command(
    epilog="""\b
Examples:
  enforcer policy create --namespace library --tags-exclude latest
  enforcer policy create --namespace team --repositories 'app-*' \\
    --tags 'v*' --tags 'release-*' --mode observe --comment 'trial until May'

\b
A pattern that is given several times stands for any of them.
Quote patterns, or the shell expands them.
"""
)
@settings_option
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option("--namespace", metavar="NAME", required=True, help="Namespace; _ for repositories without a slash.")
@policy_options
@_json_option
def create(config: Path | None, registry: str | None, namespace: str, as_json: bool, **options: Any) -> None:
    """Create a policy."""
    fields = given_fields(options)
    if "tags" not in fields:
        raise click.UsageError("say which tags are meant: --tags or --tags-exclude")
    with open_session(config) as session:
        name = registry_of(session.settings, registry)
        wanted = checked({"registry": str(name), "namespace": namespace} | fields)
        _tell("created", session.stores.policies.create(draft(wanted), login()), as_json)


@click.command(
    epilog="""\b
Examples:
  enforcer policy update 3 --tags 'v*' --mode enforce
  enforcer policy update 3 --no-bypass-actors
"""
)
@settings_option
@click.argument("policy_id", metavar="ID", type=int)
@policy_options
@_json_option
def update(config: Path | None, policy_id: int, as_json: bool, **options: Any) -> None:
    """Change a policy; what is not given stays as it is. Its registry and namespace cannot be changed."""
    fields = given_fields(options)
    if not fields:
        raise click.UsageError("say what is to be changed")
    with open_session(config) as session:
        _change(session, policy_id, lambda policy: _edited(policy, fields), as_json)


@click.command(
    epilog="""\b
Example:
  enforcer policy enable 3
"""
)
@settings_option
@click.argument("policy_ids", metavar="ID...", type=int, nargs=-1, required=True)
@_json_option
def enable(config: Path | None, policy_ids: tuple[int, ...], as_json: bool) -> None:
    """Switch policies on: from now on, the tags are protected as they stand."""
    with open_session(config) as session:
        for policy_id in policy_ids:
            _change(session, policy_id, lambda policy: replace(policy, disabled=False), as_json)


@click.command(
    epilog="""\b
Example:
  enforcer policy disable 3
"""
)
@settings_option
@click.argument("policy_ids", metavar="ID...", type=int, nargs=-1, required=True)
@_json_option
def disable(config: Path | None, policy_ids: tuple[int, ...], as_json: bool) -> None:
    """Switch policies off: they stay, and protect nothing."""
    with open_session(config) as session:
        for policy_id in policy_ids:
            _change(session, policy_id, lambda policy: replace(policy, disabled=True), as_json)


@click.command(
    epilog="""\b
Example:
  enforcer policy delete 3
"""
)
@settings_option
@click.argument("policy_ids", metavar="ID...", type=int, nargs=-1, required=True)
@_json_option
def delete(config: Path | None, policy_ids: tuple[int, ...], as_json: bool) -> None:
    """Delete policies. The audit keeps what they said."""
    with open_session(config) as session:
        for policy_id in policy_ids:
            deleted: list[Policy] = []
            session.stores.policies.delete(policy_id, login(), check=deleted.append)
            _tell("deleted", deleted[-1], as_json)


def _edited(policy: Policy, fields: dict[str, Any]) -> Policy:
    """The policy with these fields; what they do not name stays as clients of the vendors' APIs sent it."""
    wanted = checked(declaration(policy) | fields).model_dump(mode="json", include=set(fields))
    return Policy.from_dict(policy.as_dict() | wanted)


def _change(session: Session, policy_id: int, edit: Callable[[Policy], Policy], as_json: bool) -> None:
    before: list[Policy] = []

    def noted(policy: Policy) -> Policy:
        before.append(policy)
        return edit(policy)

    changed = session.stores.policies.change(policy_id, noted, login())
    _tell("now", changed, as_json, before=before[-1])


def _tell(done: str, policy: Policy, as_json: bool, *, before: Policy | None = None) -> None:
    if as_json:
        click.echo(json.dumps(policy.as_dict()))
    else:
        click.echo(f"{done}: {one_line(policy)}")
        for line in differences(before or policy, policy):
            click.echo(f"  {line}")
    warn_of_settings(policy)
