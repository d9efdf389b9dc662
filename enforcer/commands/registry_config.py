"""`enforcer registry-config`: what to write into a registry's own configuration."""

from __future__ import annotations

import json
from pathlib import Path

import click

from enforcer.command_line import read_settings, settings_option


@click.command(
    "registry-config",
    epilog="""\b
Examples:
  enforcer registry-config >> /etc/docker/registry/config.yml
  enforcer registry-config main --json | jq .notifications
  enforcer registry-config harbor --json > webhook.json
    (to POST to Harbor's /api/v2.0/projects/<project>/webhook/policies)
""",
)
@settings_option
@click.argument("registry", required=False)
@click.option("--json", "as_json", is_flag=True, help="The same as one JSON object.")
def registry_config(config: Path | None, registry: str | None, as_json: bool) -> None:
    """Print what makes REGISTRY send its notifications here, token included; the first one if none is named.

    For Distribution that is a block of its config.yml, for Harbor the fields of a webhook.
    """
    from enforcer.configuration.draft import suggestion
    from enforcer.registry_config import notification_block, notification_fields

    settings = read_settings(config)
    name = next((known for known in settings.registries if registry in (None, known)), None)
    if name is None:
        hint = suggestion(str(registry), settings.registries)
        raise click.UsageError(f"no registry is configured as {registry!r}{hint}")
    if as_json:
        click.echo(json.dumps(notification_fields(settings, name), indent=2))
    else:
        click.echo(notification_block(settings, name), nl=False)
