"""The native API, `/api/v1`: everything that the vendors' dialects can say, and what only we have."""

from __future__ import annotations

import functools
from typing import Any

from flask import Blueprint, request
from flask.blueprints import BlueprintSetupState

from enforcer.web.native import (
    approvals,
    audit,
    history,
    openapi,
    policies,
    preview,
    registries,
    unlocks,
    violations,
)
from enforcer.web.native.operations import PREFIX, Id
from enforcer.web.native.problems import answer_error

__all__ = ["answer_error", "blueprint", "is_call"]

_GROUPS = (
    policies.group,
    preview.group,
    registries.group,
    history.group,
    violations.group,
    approvals.group,
    unlocks.group,
    audit.group,
)

blueprint = Blueprint("native", __name__, url_prefix=PREFIX)


def is_call() -> bool:
    """True if the current request is meant for this API."""
    return request.path.startswith(PREFIX)


@blueprint.record_once
def _add_converters(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["id"] = Id


for _group in _GROUPS:
    blueprint.register_blueprint(_group.blueprint)


@functools.cache
def _document() -> dict[str, Any]:
    return openapi.document(_GROUPS)


@blueprint.get("/openapi.json")
def openapi_json() -> dict[str, Any]:
    """The description of the API: the same for every installation, so it needs no login."""
    return _document()
