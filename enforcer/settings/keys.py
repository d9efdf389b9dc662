"""Which keys a table of the configuration may have, told from its pydantic model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

FILE_SUFFIX = "_file"


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of the tables that a field holds; None for a field that holds plain values."""
    return next((found for found in _classes(annotation) if issubclass(found, BaseModel)), None)


def is_secret(field: FieldInfo) -> bool:
    """True if the field may also be given as `<key>_file`."""
    return SecretStr in _classes(field.annotation)


def is_list(field: FieldInfo) -> bool:
    """True if the field holds several values; a secret file of it has one a line."""
    return get_origin(field.annotation) is tuple


def known_keys(model: type[BaseModel]) -> tuple[str, ...]:
    """All keys of a table, with the `<key>_file` of each secret beside it."""
    keys: list[str] = []
    for name, field in model.model_fields.items():
        keys += (name, name + FILE_SUFFIX) if is_secret(field) else (name,)
    return tuple(keys)


def _classes(annotation: Any) -> Iterator[type]:
    arguments = get_args(annotation)
    for argument in arguments:
        yield from _classes(argument)
    if not arguments and isinstance(annotation, type):
        yield annotation
