"""Secrets in files of their own: every secret `<key>` may be given as `<key>_file`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_origin

from pydantic import BaseModel

from enforcer.settings.keys import FILE_SUFFIX, is_list, is_secret, known_keys, model_in
from enforcer.validation.problems import Location, Problems, suggestion

_UNREAD = "unread"  # stands for a secret that could not be read, so that nothing complains that it is missing


def resolve(model: type[BaseModel], table: Mapping[str, Any], problems: Problems, at: Location = ()) -> dict[str, Any]:
    """The table with the secrets in place of the names of their files, and without keys that it may not have."""
    resolved: dict[str, Any] = {}
    for key, value in table.items():
        secret = key.removesuffix(FILE_SUFFIX)
        if key in model.model_fields:
            resolved[key] = _descend(model.model_fields[key].annotation, value, problems, (*at, key))
        elif key not in known_keys(model):
            problems.reject((*at, key), f"unknown key{suggestion(key, known_keys(model))}")
        elif secret in table:
            problems.reject((*at, key), f"is given beside {secret}: keep one of them")
        else:
            lines = _lines(value, problems, (*at, key))
            resolved[secret] = _content(lines, problems, at, secret, several=is_list(model.model_fields[secret]))
    return resolved | _missing(model, resolved, problems, at)


def _descend(annotation: Any, value: Any, problems: Problems, at: Location) -> Any:
    """Resolve the tables that a value holds; what has the wrong shape stays as it is, for the model to refuse."""
    model = model_in(annotation)
    if model is None:
        return value
    if isinstance(value, list):
        return [_descend(model, item, problems, (*at, position)) for position, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if get_origin(annotation) is dict:
        return {name: _descend(model, item, problems, (*at, name)) for name, item in value.items()}
    return resolve(model, value, problems, at)


def _lines(name: Any, problems: Problems, at: Location) -> list[str]:
    """The lines of a secret file without surrounding blanks; none if it cannot be read, which is a problem."""
    if not isinstance(name, str) or not name or "\0" in name:
        problems.reject(at, "should be the path of a file")
        return []
    path = problems.folder / name
    problems.came_from((*at[:-1], str(at[-1]).removesuffix(FILE_SUFFIX)), str(path))
    try:
        # Nearly every tool that writes a secret ends it with a line break, which is no part of it.
        lines = [line.strip() for line in path.read_text("utf-8-sig").split("\n")]
    except OSError as error:
        problems.reject(at, f"cannot read {path}: {error.strerror}")
        return []
    except UnicodeDecodeError:
        problems.reject(at, f"cannot read {path}: not UTF-8 text")
        return []
    if not any(lines):
        problems.reject(at, f"{path} is empty")
    return [line for line in lines if line]


def _content(lines: list[str], problems: Problems, at: Location, secret: str, *, several: bool) -> str | list[str]:
    if several:
        return lines
    if len(lines) == 1:
        return lines[0]
    if lines:
        problems.reject((*at, secret + FILE_SUFFIX), f"holds {len(lines)} lines, expected one")
    problems.spoil((*at, secret))
    return _UNREAD


def _missing(model: type[BaseModel], resolved: Mapping[str, Any], problems: Problems, at: Location) -> dict[str, str]:
    """Say of secrets that must be given how they can be, and put something in their place."""
    missing = [
        key
        for key, field in model.model_fields.items()
        if is_secret(field) and field.is_required() and key not in resolved
    ]
    for key in missing:
        problems.reject((*at, key), f"is missing; give it, or {key}{FILE_SUFFIX}")
        problems.spoil((*at, key))
    return dict.fromkeys(missing, _UNREAD)
