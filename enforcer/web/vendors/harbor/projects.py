"""Projects: the namespaces of one registry, by name or by number."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from enforcer.errors import NotFound
from enforcer.names import RegistryName
from enforcer.settings.settings import Settings
from enforcer.store.namespaces import NumberedNamespace
from enforcer.web.services import services

PREFIX = "/api/v2.0/"
"""The beginning of the path of every call."""

_NUMBER = re.compile(r"[+-]?\d{1,18}", flags=re.ASCII)


def registry_of(settings: Settings) -> RegistryName:
    """The registry whose namespaces are the projects."""
    registries = settings.registries
    return next((name for name, registry in registries.items() if registry.kind == "harbor"), next(iter(registries)))


def find_project(name_or_id: str) -> NumberedNamespace:
    """The project that a path names: what reads as a number is one, unless a header says otherwise.

    Raises `NotFound`.
    """
    here = services()
    registry = registry_of(here.settings)
    # Terraform sends numbers; a client that means a project called 42 says so by this header.
    is_name = request.headers.get("X-Is-Resource-Name", "").lower() == "true"
    try:
        if is_name or not _NUMBER.fullmatch(name_or_id):
            return here.stores.namespaces.get(registry, name_or_id)
        return here.stores.namespaces.by_id(registry, int(name_or_id))
    except NotFound as error:
        raise NotFound(f"project {name_or_id} not found", error.kind) from error


def projects(part_of_name: str) -> list[NumberedNamespace]:
    """The projects whose name contains that text, by number."""
    here = services()
    found = here.stores.namespaces.of(registry_of(here.settings))
    return [project for project in found if part_of_name in project.name]


def project_json(project: NumberedNamespace) -> dict[str, Any]:
    """The fields of a project that clients read."""
    return {"project_id": project.id, "name": project.name, "metadata": {"public": "false"}}
