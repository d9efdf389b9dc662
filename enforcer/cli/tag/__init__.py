"""`enforcer tag`: what happened to a tag, and the exceptions that operators make."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group, Lazy

COMMANDS = {
    "approve": Lazy("enforcer.cli.tag.approve:approve", "Let a protected tag become another digest, once."),
    "history": Lazy(
        "enforcer.cli.tag.show:history",
        "List every digest that a tag had: when, by whom, from where, and what was decided.",
    ),
    "lock": Lazy(
        "enforcer.cli.tag.unlock:lock", "End an unlock early: by its ID, or by what was unlocked, in the same words."
    ),
    "show": Lazy("enforcer.cli.tag.show:show", "Show what a tag must be, and what protects it now."),
    "unlock": Lazy(
        "enforcer.cli.tag.unlock:unlock", "Let tags be moved and deleted for a while; they lock again by themselves."
    ),
    "unlocks": Lazy("enforcer.cli.tag.unlock:unlocks", "List what is unlocked now."),
}


@click.group(
    cls=Group,
    lazy=COMMANDS,
    epilog="""\b
Examples:
  enforcer tag history team/app:1.0
  enforcer tag unlock team/app:1.0 --for 30m --reason 'rebuild with the fix'
""",
)
def tag() -> None:
    """See what happened to a tag, and make exceptions from its protection."""
