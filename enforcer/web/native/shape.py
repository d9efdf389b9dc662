"""The base of all that the native API takes and gives."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """An object with exactly these fields; its JSON schema is part of the OpenAPI document."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
