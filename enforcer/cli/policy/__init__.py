"""`enforcer policy`: what policies mean, which there are, and changing them."""

from __future__ import annotations

import click

from enforcer.cli.framework import Group, Lazy

COMMANDS = {
    "apply": Lazy(
        "enforcer.cli.policy.apply:apply", "Make the policies those that FILE declares, all of them at once or none."
    ),
    "create": Lazy("enforcer.cli.policy.edit:create", "Create a policy."),
    "delete": Lazy("enforcer.cli.policy.edit:delete", "Delete policies."),
    "disable": Lazy("enforcer.cli.policy.edit:disable", "Switch policies off: they stay, and protect nothing."),
    "enable": Lazy(
        "enforcer.cli.policy.edit:enable", "Switch policies on: from now on, the tags are protected as they stand."
    ),
    "export": Lazy("enforcer.cli.policy.export:export", "Print the policies as [[policies]] tables."),
    "list": Lazy("enforcer.cli.policy.show:list_policies", "List the policies, by id."),
    "match": Lazy(
        "enforcer.cli.policy.match:match",
        "Say whether PATTERN matches each NAME: a tag, or a repository without its namespace.",
    ),
    "preview": Lazy(
        "enforcer.cli.policy.preview:preview",
        "Show which tags a policy would protect, and which moves of the last days it would have undone.",
    ),
    "show": Lazy("enforcer.cli.policy.show:show", "Show all of a policy."),
    "update": Lazy("enforcer.cli.policy.edit:update", "Change a policy; what is not given stays as it is."),
}


@click.group(
    cls=Group,
    lazy=COMMANDS,
    epilog="""\b
Examples:
  enforcer policy list
  enforcer policy preview --namespace library --tags-exclude latest
  enforcer policy create --namespace library --tags-exclude latest
""",
)
def policy() -> None:
    """Say which tags are immutable."""
