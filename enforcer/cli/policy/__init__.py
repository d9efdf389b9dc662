"""`enforcer policy`: what policies mean, which there are, and changing them."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group
from enforcer.cli.policy.apply import apply
from enforcer.cli.policy.edit import create, delete, disable, enable, update
from enforcer.cli.policy.export import export
from enforcer.cli.policy.match import match
from enforcer.cli.policy.preview import preview
from enforcer.cli.policy.show import list_policies, show


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
