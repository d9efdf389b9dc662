"""`enforcer`: run Tag Enforcer, configure it, and see what it did."""

from __future__ import annotations

import click

from enforcer.command_line import Group, run
from enforcer.commands.check import check
from enforcer.commands.dead_letters import dead_letters
from enforcer.commands.demo import demo
from enforcer.commands.policy import policy
from enforcer.commands.registry_config import registry_config
from enforcer.commands.serve import serve
from enforcer.commands.tag import tag
from enforcer.commands.up import up
from enforcer.commands.violations import violations


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  enforcer up
  enforcer violations --since 1d
  enforcer tag history --help

\b
Workers, sweeps, replays and exports: enforcer-worker --help

\b
Exit status of every command:
  0  done
  1  failed
  2  wrong usage
  3  drift or violations found
""",
)
@click.version_option(package_name="tag-enforcer")
def group() -> None:
    """Immutable tags for container registries: what is overwritten is put back."""


for command in (up, serve, demo, check, registry_config, policy, tag, violations, dead_letters):
    group.add_command(command)


def main() -> None:
    """The console script."""
    run(group, "enforcer")
