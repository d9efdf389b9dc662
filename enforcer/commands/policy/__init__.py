"""`enforcer policy`: what policies mean, which there are, and changing them."""

from __future__ import annotations

import click

from enforcer.command_line import Group
from enforcer.commands.policy.applying import apply
from enforcer.commands.policy.editing import create, delete, disable, enable, update
from enforcer.commands.policy.exporting import export
from enforcer.commands.policy.listing import list_policies, show
from enforcer.commands.policy.matching import match
from enforcer.commands.policy.previewing import preview


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  enforcer policy list
  enforcer policy preview --namespace library --tags-exclude latest
  enforcer policy create --namespace library --tags-exclude latest
""",
)
def policy() -> None:
    """Say which tags are immutable."""


for command in (list_policies, show, create, update, enable, disable, delete, preview, apply, export, match):
    policy.add_command(command)
