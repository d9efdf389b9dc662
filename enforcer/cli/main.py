"""`enforcer`: run Tag Enforcer, configure it, and see what it did."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group, Lazy, run

COMMANDS = {
    "check": Lazy(
        "enforcer.cli.check.command:check",
        "Say what is wrong, or that Redis and each registry answer with the rights that a restore needs.",
    ),
    "dead-letters": Lazy(
        "enforcer.cli.dead_letters:dead_letters", "List notifications that were not understood, newest first, and why."
    ),
    "demo": Lazy("enforcer.cli.demo:demo", "Overwrite a tag on a real registry, and watch it come back."),
    "policy": Lazy("enforcer.cli.policy:policy", "Say which tags are immutable."),
    "registry-config": Lazy(
        "enforcer.cli.registry_config:registry_config",
        "Print what makes REGISTRY send its notifications here, token included; the first one if none is named.",
    ),
    "serve": Lazy("enforcer.cli.serve:serve", "Serve the receiver and the APIs, without workers."),
    "tag": Lazy("enforcer.cli.tag:tag", "See what happened to a tag, and make exceptions from its protection."),
    "up": Lazy(
        "enforcer.cli.up:up", "Run the receiver, the workers and, if so configured, a Redis of its own, until Ctrl-C."
    ),
    "violations": Lazy("enforcer.cli.violations:violations", "List violations, newest first."),
}


@click.group(
    cls=Group,
    lazy=COMMANDS,
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


def main() -> None:
    """The console script."""
    run(group, "enforcer")
