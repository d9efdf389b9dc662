"""`enforcer-worker`: run workers, and the operator's tools."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group, Lazy
from enforcer.cli.framework import run as run_group

COMMANDS = {
    "baseline": Lazy(
        "worker.commands.baseline:baseline",
        "Record every tag that has no record yet, and keep the manifests of protected ones.",
    ),
    "export": Lazy(
        "worker.commands.transfer:export_command",
        "Write records with their history, kept manifests, violations, policies and unlocks, as JSON lines.",
    ),
    "import": Lazy(
        "worker.commands.transfer:import_command", "Take what an export wrote; what is there already stays as it is."
    ),
    "replay": Lazy(
        "worker.commands.replay:replay",
        "Judge archived events, as if today's policies had always been in force.",
    ),
    "run": Lazy("worker.commands.run:run", "Run worker processes, one queue each, until told to stop."),
    "sweep": Lazy(
        "worker.commands.sweep:sweep", "Compare every protected tag with the registry, and restore what drifted."
    ),
    "work": Lazy("worker.commands.run:work"),
}


@click.group(
    cls=Group,
    lazy=COMMANDS,
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


def main() -> None:
    """The console script."""
    run_group(group, "enforcer-worker")
