"""What pydantic refuses, in the words of this configuration, and without any value that may be secret."""

from __future__ import annotations

from typing import Any

from pydantic_core import ErrorDetails

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}
_KINDS = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "a list", dict: "a table"}
_OPEN = (
    "greater_than_equal",
    "less_than_equal",
    "finite_number",
    "literal_error",
)  # numbers and choices are no secrets


def explain(error: ErrorDetails) -> str:
    """What is wrong: what was expected, and what was given instead as far as it may be shown."""
    kind, given = error["type"], error["input"]
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "missing":
        return "is missing"
    if kind in ("string_too_short", "too_short"):
        return "is empty"
    if kind in _EXPECTED:
        return f"should be {_EXPECTED[kind]}, got {_kind(given)}"
    expected = error["msg"].removeprefix("Input ")
    return f"{expected}, got {_shown(given)}" if kind in _OPEN else expected


def _kind(given: Any) -> str:
    return _KINDS.get(type(given), "a date or time")


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 40 else text[:37] + "..."
