"""Stored JSON: what a later version wrote beside the keys that this one knows is ignored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as fields_of
from typing import Any


def known_fields(model: type[Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the keys that the dataclass has."""
    names = {field.name for field in fields_of(model)}
    return {name: value for name, value in fields.items() if name in names}
