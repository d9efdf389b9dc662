"""`enforcer policy preview`: what a policy would do, before it does it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from enforcer.alerts.claims import claimed
from enforcer.cli.policy.options import checked, given_fields, policy_options
from enforcer.cli.session import Session, open_session, registry_of
from enforcer.cli.settings import settings_option
from enforcer.policies.declaration import declaration, draft
from enforcer.policies.policy import Policy
from enforcer.preview import Move, Preview, ProtectedTag
from enforcer.preview import preview as look
from enforcer.times import Time

_DAY = 86_400  # seconds


@click.command(
    epilog="""\b
Examples:
  enforcer policy preview --namespace library --tags-exclude latest
  enforcer policy preview 3 --tags 'v*' --days 90

\b
Nothing is changed. What was a violation of other policies anyway is not
counted, and only what the history still holds can be told.
"""
)
@settings_option
@click.argument("policy_id", metavar="[ID]", type=int, required=False)
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option("--namespace", metavar="NAME", help="Namespace; _ for repositories without a slash.")
@policy_options
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 3650), help="How far to look back.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="How many tags and moves to list.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def preview(
    config: Path | None,
    policy_id: int | None,
    registry: str | None,
    namespace: str | None,
    days: int,
    limit: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Show which tags a policy would protect, and which moves of the last days it would have undone.

    The policy is the one with that ID, with what the options change; without ID, it is what the options say.
    """
    fields = given_fields(options)
    if policy_id is None and (namespace is None or "tags" not in fields):
        raise click.UsageError("give the ID of a policy, or --namespace and --tags or --tags-exclude")
    if policy_id is not None and (registry or namespace):
        raise click.UsageError("a policy that is there has its registry and namespace already")
    with open_session(config) as session:
        policy = _policy(session, policy_id, registry, namespace, fields)
        asking = session.stores.policies.current().asking
        found = look(session.stores.ledger, policy, Time.now().plus(-days * _DAY), asking=asking)
    click.echo(json.dumps(_as_dict(found, limit)) if as_json else _as_text(found, days, limit))


def _policy(
    session: Session, policy_id: int | None, registry: str | None, namespace: str | None, fields: dict[str, Any]
) -> Policy:
    if policy_id is None:
        place = {"registry": str(registry_of(session.settings, registry)), "namespace": namespace}
        return draft(checked(place | fields))
    return draft(checked(declaration(session.stores.policies.current().get(policy_id)) | fields))


def _as_dict(found: Preview, limit: int) -> dict[str, Any]:
    return {
        "tags": {"items": [_tag(tag) for tag in found.tags[:limit]], "total": len(found.tags)},
        "moves": {"items": [_move(move) for move in found.moves[:limit]], "total": len(found.moves)},
    }


def _tag(tag: ProtectedTag) -> dict[str, Any]:
    name, record = tag.name, tag.record
    return {"repository": name.repository, "tag": name.tag, "digest": record.digest, "time": record.time}


def _move(move: Move) -> dict[str, Any]:
    event = move.event
    return {
        "repository": move.name.repository,
        "tag": move.name.tag,
        "kind": move.kind,
        "time": event.time,
        "recorded": move.recorded,
        "pushed": event.digest if event.digest != move.recorded else None,
        "actor": event.actor,
        "address": event.address,
        "user_agent": event.user_agent,
    }


def _as_text(found: Preview, days: int, limit: int) -> str:
    lines = [f"would protect {len(found.tags)} tags"]
    lines += [f"  {tag.name.reference}  {tag.record.digest.short}" for tag in found.tags[:limit]]
    lines += _more(len(found.tags), limit)
    lines.append(f"would have undone {len(found.moves)} moves of the last {days} days")
    lines += [f"  {_told(move)}" for move in found.moves[:limit]]
    return "\n".join(lines + _more(len(found.moves), limit))


def _told(move: Move) -> str:
    event = move.event
    pushed = f" with {event.digest.short}" if event.digest and event.digest != move.recorded else ""
    who = claimed(event.actor, event.address, event.user_agent)
    return f"{event.time[:19]}Z  {move.name.reference} {move.kind}{pushed} by {who}, instead of {move.recorded.short}"


def _more(total: int, limit: int) -> list[str]:
    return [f"  and {total - limit} more (--limit)"] if total > limit else []
