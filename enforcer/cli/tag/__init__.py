"""`enforcer tag`: what happened to a tag, and the exceptions that operators make."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group
from enforcer.cli.tag.approve import approve
from enforcer.cli.tag.show import history, show
from enforcer.cli.tag.unlock import lock, unlock, unlocks


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  enforcer tag history team/app:1.0
  enforcer tag unlock team/app:1.0 --for 30m --reason 'rebuild with the fix'
""",
)
def tag() -> None:
    """See what happened to a tag, and make exceptions from its protection."""


for command in (history, show, approve, unlock, lock, unlocks):
    tag.add_command(command)
