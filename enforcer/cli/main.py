"""`enforcer`: run Tag Enforcer, configure it, and see what it did."""

from __future__ import annotations

import click

from enforcer.cli.check.command import check
from enforcer.cli.dead_letters import dead_letters
from enforcer.cli.demo import demo
from enforcer.cli.framework import Group, run
from enforcer.cli.policy import policy
from enforcer.cli.registry_config import registry_config
from enforcer.cli.serve import serve
from enforcer.cli.tag import tag
from enforcer.cli.up import up
from enforcer.cli.violations import violations


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
