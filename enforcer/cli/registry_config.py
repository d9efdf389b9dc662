"""`enforcer registry-config`: what to write into a registry's own configuration, or to have its API do."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from enforcer.cli.framework import FAILED
from enforcer.cli.parameters import NAMESPACE
from enforcer.cli.settings import read_settings, settings_option
from enforcer.errors import RegistryError
from enforcer.names import Namespace, RegistryName
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.harbor import HarborWebhooks
from enforcer.registries.notification_config import notification_block, notification_fields, webhook_projects
from enforcer.settings.settings import Settings
from enforcer.validation.problems import suggestion


@click.command(
    "registry-config",
    epilog="""\b
Examples:
  enforcer registry-config >> /etc/docker/registry/config.yml
  enforcer registry-config main --json | jq .notifications
  enforcer registry-config harbor --create
  enforcer registry-config harbor --create --namespace library

\b
--create makes the webhook through Harbor's API, in the projects that the
configuration names (namespaces of the registry and of policies) or in each
--namespace. The registry's username needs to be an admin of these projects.
A webhook of the same name is changed to what it must be.
""",
)
@settings_option
@click.argument("registry", required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
@click.option("--create", is_flag=True, help="Make the webhook in Harbor, instead of printing it.")
@click.option(
    "--namespace", "namespaces", multiple=True, metavar="NAME", type=NAMESPACE, help="With --create: in this project."
)
def registry_config(
    config: Path | None, registry: str | None, as_json: bool, create: bool, namespaces: tuple[Namespace, ...]
) -> None:
    """Print what makes REGISTRY send its notifications here, token included; the first one if none is named.

    For Distribution that is a block of its config.yml, for Harbor the fields of a webhook.
    """
    settings = read_settings(config)
    name = next((known for known in settings.registries if registry in (None, known)), None)
    if name is None:
        hint = suggestion(str(registry), settings.registries)
        raise click.UsageError(f"no registry is configured as {registry!r}{hint}")
    if namespaces and not create:
        raise click.UsageError("--namespace says where to --create a webhook")
    if create:
        _create(settings, name, namespaces, as_json)
    elif as_json:
        click.echo(json.dumps(notification_fields(settings, name), indent=2))
    else:
        click.echo(notification_block(settings, name), nl=False)


def _create(settings: Settings, name: RegistryName, namespaces: tuple[Namespace, ...], as_json: bool) -> None:
    if settings.registries[name].kind != "harbor":
        raise click.UsageError(
            f"{name} is no Harbor, so nothing can be made by its API: put the block into its config.yml"
        )
    if settings.registries[name].username is None:
        raise click.UsageError(f"{name} has no username in the configuration: Harbor wants an admin of the projects")
    projects = list(namespaces) or webhook_projects(settings, name)
    if not projects:
        raise click.UsageError(f"the configuration names no project of {name}: give --namespace")
    done: dict[str, str] = {}
    failed = False
    with HarborWebhooks(RegistryEndpoint.of(name, settings.registries[name])) as webhooks:
        for project in projects:
            try:
                done[project] = webhooks.ensure(project, notification_fields(settings, name))
            except RegistryError as error:
                click.echo(f"enforcer: {error}", err=True)
                failed = True
    click.echo(
        json.dumps(done) if as_json else "\n".join(f"{project}: webhook {what}" for project, what in done.items())
    )
    sys.exit(FAILED if failed else 0)
