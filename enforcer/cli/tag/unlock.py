"""`enforcer tag unlock`, `lock` and `unlocks`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from enforcer.cli.framework import table
from enforcer.cli.parameters import DURATION, REASON, reading_usage
from enforcer.cli.session import login, open_session, registry_of
from enforcer.cli.settings import settings_option
from enforcer.errors import NotFound
from enforcer.names import RegistryName
from enforcer.policies.unlock import Unlock
from enforcer.times import Time

_registry_option = click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")


@click.command(
    epilog="""\b
Examples:
  enforcer tag unlock team/app:1.0 --for 30m --reason 'rebuild with the fix'
  enforcer tag unlock 'team/**:nightly-*' --for 2h --reason 'migration'

\b
Both parts may be patterns, as in policies, except that the repository is
compared with its namespace. Quote them, or the shell expands them. What a tag
is at the end becomes its record.
"""
)
@settings_option
@click.argument("reference", metavar="REPO:TAG")
@click.option("--for", "seconds", type=DURATION, required=True, metavar="TIME", help="90s, 30m, 2h or 1d; at most 7d.")
@click.option("--reason", type=REASON, required=True, metavar="TEXT", help="Why; the audit keeps it.")
@_registry_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def unlock(config: Path | None, reference: str, seconds: int, reason: str, registry: str | None, as_json: bool) -> None:
    """Let tags be moved and deleted for a while; they lock again by themselves."""
    with open_session(config) as session:
        name = registry_of(session.settings, registry)
        with reading_usage():
            wanted = Unlock.parse(name, reference, seconds=seconds, now=Time.now(), by=login(), reason=reason)
        made = session.stores.unlocks.unlock(wanted)
    click.echo(json.dumps(made.as_dict()) if as_json else f"unlocked until {made.ends[:19]}Z: {_one_line(made)}")


@click.command(
    epilog="""\b
Examples:
  enforcer tag lock 17
  enforcer tag lock team/app:1.0 --reason 'done'
"""
)
@settings_option
@click.argument("which", metavar="ID|REPO:TAG")
@click.option("--reason", type=REASON, metavar="TEXT", help="Why; the audit keeps it.")
@_registry_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def lock(config: Path | None, which: str, reason: str | None, registry: str | None, as_json: bool) -> None:
    """End an unlock early: by its ID, or by what was unlocked, in the same words."""
    with open_session(config) as session:
        in_force = [one for one in session.stores.policies.current().unlocks if one.is_in_force(Time.now())]
        chosen = _chosen(in_force, which, None if which.isdigit() else registry_of(session.settings, registry))
        ended = [session.stores.unlocks.lock(one.id, login(), reason or "") for one in chosen]
    for one in ended:
        click.echo(json.dumps(one.as_dict()) if as_json else f"locked: {_one_line(one)}")


@click.command(
    epilog="""\b
Examples:
  enforcer tag unlocks
  enforcer tag unlocks --all --json | jq .reason
"""
)
@settings_option
@click.option("--all", "with_ended", is_flag=True, help="Also those that ended in the last 30 days.")
@click.option("--registry", metavar="NAME", help="Only those of this registry.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def unlocks(config: Path | None, with_ended: bool, registry: str | None, as_json: bool) -> None:
    """List what is unlocked now."""
    with open_session(config) as session:
        wanted = None if registry is None else registry_of(session.settings, registry)
        stored, now = session.stores.policies.current().unlocks, Time.now()
    found = sorted(
        (one for one in stored if wanted in (None, one.registry) and (with_ended or one.is_in_force(now))),
        key=lambda one: one.id,
    )
    if as_json:
        for one in found:
            click.echo(json.dumps(one.as_dict()))
    elif found:
        head = ("ID", "REGISTRY", "TAGS", "UNTIL", "BY", "REASON")
        rows = [(str(one.id), one.registry, one.reference, f"{one.ends[:19]}Z", one.by, one.reason) for one in found]
        click.echo("\n".join(table([head, *rows])))
    else:
        click.echo("nothing is unlocked", err=True)


def _chosen(in_force: Sequence[Unlock], which: str, registry: RegistryName | None) -> list[Unlock]:
    """The unlocks that are meant. Raises `NotFound`, and names those that a tag is a part of."""
    if registry is None:
        found = [one for one in in_force if one.id == int(which)]
    else:
        found = [one for one in in_force if (one.registry, one.reference) == (registry, which)]
    if not found:
        others = ", ".join(f"{one.id} ({one.reference})" for one in in_force) or "none"
        raise NotFound(f"no unlock {which} is in force; those that are: {others}", "unlock")
    return found


def _one_line(unlock: Unlock) -> str:
    return f"unlock {unlock.id}, {unlock.reference} in {unlock.registry}"
