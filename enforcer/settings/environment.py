"""Environment variables: `ENFORCER_<KEY>` overrides a top-level key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from enforcer.settings.file import FILE_VARIABLE
from enforcer.settings.keys import FILE_SUFFIX, known_keys
from enforcer.validation.problems import Problems, suggestion

_PREFIX = "ENFORCER_"

# Kubernetes gives every pod such variables for a Service that happens to be called "enforcer" or "enforcer-...".
_SERVICE_LINK = re.compile(
    r"ENFORCER_(?:\w+_)?(?:(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)\w*)=|PORT=(?:tcp|udp|sctp)://)"
)


def override(
    model: type[BaseModel], table: Mapping[str, Any], environ: Mapping[str, str], problems: Problems
) -> dict[str, Any]:
    """The table with the keys that variables give in place of its own.

    The variable of a textual key holds the text itself, that of any other key a TOML value.
    """
    given = _given(model, environ, problems)
    # A secret and its file are one: ENFORCER_REDIS_URL replaces a redis_url_file of the file as well.
    replaced = {key.removesuffix(FILE_SUFFIX) for key in given}
    kept = {key: value for key, value in table.items() if key.removesuffix(FILE_SUFFIX) not in replaced}
    return kept | given


def _given(model: type[BaseModel], environ: Mapping[str, str], problems: Problems) -> dict[str, Any]:
    keys = {key.upper(): key for key in known_keys(model)}
    given: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(_PREFIX) or variable == FILE_VARIABLE or _is_service_link(variable, text):
            continue
        name = variable.removeprefix(_PREFIX)
        if name not in keys:
            problems.reject((variable,), f"unknown variable{suggestion(name, keys, prefix=_PREFIX)}")
            continue
        key = keys[name]
        problems.came_from((key,), variable)
        if _is_text(model, key):
            given[key] = text
        else:
            _parse(key, text, given, problems)
    return given


def _is_service_link(variable: str, text: str) -> bool:
    return _SERVICE_LINK.match(f"{variable}={text}") is not None


def _is_text(model: type[BaseModel], key: str) -> bool:
    """Every textual key of the top level has a default, and a `<key>_file` is a path."""
    field = model.model_fields.get(key)
    return field is None or isinstance(field.default, str | SecretStr | Path)


def _parse(key: str, text: str, given: dict[str, Any], problems: Problems) -> None:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        parsed = {}
    # More keys: the text held a line break, and would set other keys than its own.
    if parsed.keys() == {"value"}:
        given[key] = parsed["value"]
    else:
        problems.reject((key,), "is no TOML value, as it would stand behind the '=' in the file")
        problems.spoil((key,))
