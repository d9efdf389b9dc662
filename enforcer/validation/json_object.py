"""JSON objects that clients send: bytes become a model, or an error that names the fields that are wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import pydantic_core
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from enforcer.errors import InvalidPolicy
from enforcer.validation.explain import JSON, in_one_line, kind_of

_SHOWN = 3
"""Problems of one body that an answer tells."""

_WORDING = replace(JSON, instead={**JSON.instead, "string_too_long": "is longer than {max_length} characters"})

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
        # Not the standard library's: this one refuses deep nesting and NaN instead of failing later.
        given = pydantic_core.from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidPolicy(f"the body is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidPolicy(f"the body should be an object, got {kind_of(given, JSON)}")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InvalidPolicy(in_one_line(error, _WORDING, most=_SHOWN)) from error
