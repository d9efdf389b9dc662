"""`enforcer-worker`: run workers, and the operator's tools."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group
from enforcer.cli.framework import run as run_group
from worker.commands.baseline import baseline
from worker.commands.replay import replay
from worker.commands.run import run, work
from worker.commands.sweep import sweep
from worker.commands.transfer import export_command, import_command


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  enforcer-worker run
  enforcer-worker sweep --report-only
  enforcer-worker replay --help

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
    """The workers of Tag Enforcer, and the operator's tools."""


for command in (run, work, baseline, sweep, replay, export_command, import_command):
    group.add_command(command)


def main() -> None:
    """The console script."""
    run_group(group, "enforcer-worker")
