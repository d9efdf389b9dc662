"""The options that say what a policy says, and the policy that they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from enforcer.policies.declaration import PolicySettings
from enforcer.validation.explain import explanations
from enforcer.validation.problems import dotted

Command = TypeVar("Command", bound="Callable[..., Any]")

_SELECTORS = {"repositories": ("repoMatches", "repoExcludes"), "tags": ("matches", "excludes")}

_OPTIONS = (
    click.option("--repositories", metavar="PATTERN", multiple=True, help="Repositories that it protects."),
    click.option("--repositories-exclude", metavar="PATTERN", multiple=True, help="Repositories but these."),
    click.option("--tags", metavar="PATTERN", multiple=True, help="Tags that it protects."),
    click.option("--tags-exclude", metavar="PATTERN", multiple=True, help="Tags but these."),
    click.option("--mode", type=click.Choice(["enforce", "observe"]), help="Whether a violation is undone."),
    click.option(
        "--protect", type=click.Choice(["overwrite", "delete"]), multiple=True, help="Against what; default: both."
    ),
    click.option("--signature-tags/--no-signature-tags", default=None, help="Whether tags of signatures as well."),
    click.option("--settle", metavar="SECONDS", type=int, help="How long its client's index may replace a new tag."),
    click.option("--bypass-actor", metavar="USER", multiple=True, help="User whose pushes are no violations."),
    click.option("--no-bypass-actors", is_flag=True, help="No such user any more."),
    click.option("--priority", type=int, help="Kept for clients of the vendors' APIs."),
    click.option("--comment", metavar="TEXT", help="Why the policy is there."),
    click.option("--disabled/--enabled", default=None, help="Whether it is switched off."),
)


def policy_options(command: Command) -> Command:
    """Give a command an option for each field of a policy but where it applies; `given_fields` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def given_fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that were given, as a table of the configuration has them."""
    fields: dict[str, Any] = {}
    for name, decorations in _SELECTORS.items():
        choices = (options[name], options[f"{name}_exclude"])
        if all(choices):
            raise click.UsageError(f"--{name} and --{name}-exclude cannot be given together")
        for decoration, patterns in zip(decorations, choices, strict=True):
            if patterns:
                fields[name] = {"decoration": decoration, "pattern": list(patterns)}
    for name in ("mode", "signature_tags", "settle", "priority", "comment", "disabled"):
        if options[name] is not None:
            fields[name] = options[name]
    if options["protect"]:
        fields["protect"] = list(options["protect"])
    if options["bypass_actor"] and options["no_bypass_actors"]:
        raise click.UsageError("--bypass-actor and --no-bypass-actors cannot be given together")
    if options["bypass_actor"] or options["no_bypass_actors"]:
        fields["bypass_actors"] = list(options["bypass_actor"])
    return fields


def checked(fields: Mapping[str, Any]) -> PolicySettings:
    """A policy with these fields. Wrong usage, with a line for each that is wrong, if there can be none."""
    try:
        return PolicySettings.model_validate(fields)
    except ValidationError as error:
        lines = [f"{dotted(at)}: {text}" for at, text in explanations(error)]
        raise click.UsageError("\n".join(lines)) from error
