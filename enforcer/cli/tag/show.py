"""`enforcer tag history` and `show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from enforcer.alerts.claims import found_by
from enforcer.cli.framework import table
from enforcer.cli.parameters import TAG
from enforcer.cli.session import Session, open_session, registry_of
from enforcer.cli.settings import settings_option
from enforcer.errors import NotFound
from enforcer.judgement.history import Line, newest_first
from enforcer.judgement.record import Entry, TagState
from enforcer.names import Repository, Tag, TagName
from enforcer.times import Time


@click.command(
    epilog="""\b
Examples:
  enforcer tag history team/app:1.0
  enforcer tag history team/app:1.0 --json | jq -r .digest

\b
The newest comes first. A deletion has the digest that the tag had; what is
marked late came too late to change anything.
"""
)
@settings_option
@click.argument("reference", metavar="REPO:TAG", type=TAG)
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def history(config: Path | None, reference: tuple[Repository, Tag], registry: str | None, as_json: bool) -> None:
    """List every digest that a tag had: when, by whom, from where, and what was decided."""
    with open_session(config) as session:
        name = TagName(registry_of(session.settings, registry), *reference)
        lines = newest_first(session.stores.ledger.history(name))
    if not lines:
        raise _unknown(name)
    if as_json:
        for line in lines:
            click.echo(json.dumps(line.as_dict()))
    else:
        head = ("TIME", "ACTION", "DIGEST", "DECISION", "CLAIMED ACTOR", "CLAIMED ADDRESS", "REASON")
        click.echo("\n".join(table([head, *map(_row, lines)])))


@click.command(
    epilog="""\b
Examples:
  enforcer tag show team/app:1.0
  enforcer tag show team/app:1.0 --json | jq .protected_by
"""
)
@settings_option
@click.argument("reference", metavar="REPO:TAG", type=TAG)
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def show(config: Path | None, reference: tuple[Repository, Tag], registry: str | None, as_json: bool) -> None:
    """Show what a tag must be, and what protects it now."""
    with open_session(config) as session:
        name = TagName(registry_of(session.settings, registry), *reference)
        state = session.stores.ledger.state(name)
        if not state.version:
            raise _unknown(name)
        fields = _fields(session, name, state)
    if as_json:
        click.echo(json.dumps(fields))
    else:
        width = max(map(len, fields))
        click.echo("\n".join(f"{label:{width}}  {_shown(value)}" for label, value in fields.items()))


def _fields(session: Session, name: TagName, state: TagState) -> dict[str, Any]:
    now, record, policies = Time.now(), state.record, session.stores.policies.current()
    protection = policies.protection(*name.parts, now)
    unlocks = sorted(
        unlock.id
        for unlock in policies.unlocks
        if unlock.registry == name.registry and unlock.covers(name.repository, name.tag, now)
    )
    return {
        "registry": name.registry,
        "repository": name.repository,
        "tag": name.tag,
        "digest": record.digest if record else None,
        "media_type": record.media_type if record else "",
        "time": record.time if record else None,
        "claimed_actor": record.actor if record else "",
        "claimed_address": record.address if record else "",
        "settles": record.settles if record and record.is_settling(now) else None,
        "deleted": bool(record and record.deleted),
        "approved": record.approved if record else None,
        "protected_by": list(protection.policies) if protection else [],
        "unlocks": unlocks,
        "violations": [violation.id for violation in session.stores.violations.get_open(name)],
    }


def _row(line: Line) -> tuple[str, ...]:
    entry, event = line.entry, line.entry.event
    digest = line.digest or "-"
    return (
        f"{event.time[:23]}Z",
        event.action,
        digest,
        _decision(entry),
        _who(line),
        event.address or "-",
        event.reason,
    )


def _who(line: Line) -> str:
    """The actor as claimed, or which part of ours it was."""
    event = line.entry.event
    if line.is_restore:
        return "put back by Tag Enforcer"
    return found_by(event.actor, event.address, event.user_agent) or event.actor or "-"


def _decision(entry: Entry) -> str:
    was_bypassed = entry.protection is not None and bool(entry.protection.bypassed) and entry.decision != "unchanged"
    remarks = [word for word, is_true in (("late", entry.late), ("bypass", was_bypassed)) if is_true]
    return f"{entry.decision} ({', '.join(remarks)})" if remarks else str(entry.decision)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value else "none"


def _unknown(name: TagName) -> Exception:
    return NotFound(f"no history for {name.reference} in {name.registry}", "tag")
