"""The configuration of a registry that makes it send its notifications here."""

from __future__ import annotations

import json
from typing import Any

from enforcer.names import NO_NAMESPACE, Namespace, RegistryName
from enforcer.settings.settings import Settings

_DISTRIBUTION = """\
# For the config.yml of registry {name} ({registry}), which reads it when it starts.
# The token is a secret; the registry shows it in its own log and under /debug/vars.
notifications:
  events:
    includereferences: true  # tells which manifests an index lists
  endpoints:
    - name: tag-enforcer
      url: {address}
      headers:
        Authorization: [{authorization}]
      timeout: 2s
      threshold: 5  # failures after which it waits
      backoff: 1s  # so long before each new try, of which there is no last one
      ignore:
        mediatypes: [application/octet-stream]  # blobs; releases before 3.1 ignore no action without a media type
        actions: [pull]
"""

_HARBOR = """\
# For registry {name} ({registry}): a webhook like this in each project whose tags are protected.
# The auth header is a secret. To have it made by Harbor's API: enforcer registry-config {name} --create
notify type:    http
payload format: {payload_format}
event types:    {event_types}
endpoint URL:   {address}
auth header:    {authorization}
"""


def notification_block(settings: Settings, name: RegistryName) -> str:
    """The part to configure in a registry, as text and with the token.

    For Distribution the part of its config.yml that names us as an endpoint, else the fields of a webhook.
    """
    registry = settings.registries[name]
    facts = {"name": name, "registry": registry.url, "address": _address(settings, name)}
    if registry.kind == "harbor":
        (target,) = _webhook(settings, name)["targets"]
        return _HARBOR.format(
            **facts,
            payload_format=target["payload_format"],
            event_types=", ".join(_webhook(settings, name)["event_types"]),
            authorization=target["auth_header"],
        )
    # As JSON writes it, so that a token may hold any character; YAML reads that.
    return _DISTRIBUTION.format(**facts, authorization=json.dumps(_authorization(settings, name), ensure_ascii=False))


def notification_fields(settings: Settings, name: RegistryName) -> dict[str, Any]:
    """The same for programs: a section of Distribution's configuration, or the body of Harbor's webhook policy API."""
    if settings.registries[name].kind == "harbor":
        return _webhook(settings, name)
    endpoint = {
        "name": "tag-enforcer",
        "url": _address(settings, name),
        "headers": {"Authorization": [_authorization(settings, name)]},
        "timeout": "2s",
        "threshold": 5,
        "backoff": "1s",
        "ignore": {"mediatypes": ["application/octet-stream"], "actions": ["pull"]},
    }
    return {"notifications": {"events": {"includereferences": True}, "endpoints": [endpoint]}}


def webhook_projects(settings: Settings, name: RegistryName) -> list[Namespace]:
    """The projects of a Harbor that need the webhook, as far as the configuration names them."""
    declared = [policy.namespace for policy in settings.policies if policy.registry == name]
    known = {*settings.registries[name].namespaces, *declared}
    return sorted(Namespace(namespace) for namespace in known if namespace != NO_NAMESPACE)


def _webhook(settings: Settings, name: RegistryName) -> dict[str, Any]:
    """Harbor's webhook policy: pushes and deletions, and what changes many tags at once, as a reason to look."""
    target = {
        "type": "http",
        "address": _address(settings, name),
        "auth_header": _authorization(settings, name),
        "skip_cert_verify": False,
        "payload_format": "CloudEvents",  # has an id, by which an event that comes twice is known
    }
    return {
        "name": "tag-enforcer",
        "enabled": True,
        "event_types": ["PUSH_ARTIFACT", "DELETE_ARTIFACT", "REPLICATION", "TAG_RETENTION"],
        "targets": [target],
    }


def _address(settings: Settings, name: RegistryName) -> str:
    return f"{settings.public_url}/notifications/{name}"


def _authorization(settings: Settings, name: RegistryName) -> str:
    return f"Bearer {settings.registries[name].notification_token.get_secret_value()}"
