"""`enforcer tag approve`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from enforcer.cli.parameters import DIGEST, REASON, TAG
from enforcer.cli.session import login, open_session, registry_of
from enforcer.cli.settings import settings_option
from enforcer.names import Digest, Repository, Tag, TagName
from enforcer.store.approvals import Outcome

PATIENCE = 10
"""Seconds to wait for a worker."""


@click.command(
    epilog="""\b
Example:
  enforcer tag approve team/app:1.0 sha256:6c3c... --reason 'CVE-2026-1234'

\b
It may come before the push or after it. If the registry has the digest, that
is the tag's record from now on, the tag is set to it, and open violations by
that digest are closed as approved. If not, it becomes that with the next push
of it, or when a sweep finds it in the registry.
"""
)
@settings_option
@click.argument("reference", metavar="REPO:TAG", type=TAG)
@click.argument("digest", metavar="DIGEST", type=DIGEST)
@click.option("--reason", type=REASON, required=True, metavar="TEXT", help="Why; history and audit keep it.")
@click.option("--registry", metavar="NAME", help="Name of the registry; default: the only one.")
@click.option("--json", "as_json", is_flag=True, help="What became of it as one JSON object.")
def approve(
    config: Path | None,
    reference: tuple[Repository, Tag],
    digest: Digest,
    reason: str,
    registry: str | None,
    as_json: bool,
) -> None:
    """Let a protected tag become another digest, once."""
    with open_session(config) as session:
        name = TagName(registry_of(session.settings, registry), *reference)
        approvals = session.stores.approvals
        event = approvals.approve(name, digest, by=login(), reason=reason)
        outcome = approvals.wait(event, seconds=PATIENCE)
    click.echo(json.dumps({"id": event.id, "outcome": outcome}) if as_json else _told(name, digest, outcome))


def _told(name: TagName, digest: Digest, outcome: Outcome) -> str:
    match outcome:
        case Outcome.ADOPTED:
            return f"{name.reference} is {digest.short} from now on, and is being set to it"
        case Outcome.EXPECTED:
            return (
                f"{name.registry} does not have {digest.short}, or does not answer: once it does, a push of it to "
                f"{name.reference} is expected, and the next sweep finds it"
            )
        case Outcome.UNCHANGED:
            return f"{name.reference} is {digest.short} already"
    return f"no worker answered within {PATIENCE} seconds: it takes effect as soon as one runs"
