"""JSON objects that clients send: bytes become a model, or an error that names the fields that are wrong."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import pydantic_core
from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from enforcer.errors import InvalidPolicy
from enforcer.validation.problems import dotted

_SHOWN = 3
"""Problems of one body that are told; a hostile one has thousands."""

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
_KINDS = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "a list", dict: "an object"}

Model = TypeVar("Model", bound="JsonObject")


class JsonObject(BaseModel):
    """An object that a client sent: no value of another type than its field has, and null is as good as absent.

    Fields that it does not know are left alone: clients send back what they were once given.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value is not None}


def parse(model: type[Model], body: bytes) -> Model:
    """The body as a model. Raises `InvalidPolicy`, whose text names the fields that are wrong."""
    if not body.strip():
        raise InvalidPolicy("the body is missing: it should be a JSON object")
    try:
        given = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidPolicy(f"the body is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidPolicy(f"the body should be an object, got {_kind(given)}")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        told = [f"{dotted(problem['loc'])[:100]}: {_explain(problem)}" for problem in problems[:_SHOWN]]
        raise InvalidPolicy("; ".join(told)) from error


def _explain(problem: ErrorDetails) -> str:
    kind, given = problem["type"], problem["input"]
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not known here"
    if kind in _EXPECTED:
        return f"should be {_EXPECTED[kind]}, got {_kind(given)}"
    if kind == "string_too_long":
        return f"is longer than {problem['ctx']['max_length']} characters"
    shown = repr(given)
    return f"{problem['msg'].removeprefix('Input ')}, got {shown if len(shown) <= 40 else shown[:37] + '...'}"


def _kind(given: Any) -> str:
    return "null" if given is None else _KINDS[type(given)]


_DIGITS = re.compile(r"-?\d{1,18}", flags=re.ASCII)


def integer(name: str, default: int, *, least: int = 0, most: int = 10**18) -> int:
    """The number under that name, within these bounds. Raises `InvalidPolicy`, whose text names it."""
    text = request.args.get(name)
    if text is None:
        return default
    if not _DIGITS.fullmatch(text):
        raise InvalidPolicy(f"{name}: should be an integer, got {text[:40]!r}")
    number = int(text)
    if not least <= number <= most:
        raise InvalidPolicy(f"{name}: should be from {least} to {most}, got {number}")
    return number
