"""The explanation of what pydantic refuses: in the words of the text's format, without any value that may be secret.

One for all that is read: configuration, policy files, and the bodies and queries of every API.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from enforcer.validation.problems import Location, dotted

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
}
_TABLES = ("dict_type", "model_type")
_KINDS = {bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "a list"}

# The only kinds of errors whose value is repeated: numbers and choices are no secrets.
_OPEN = ("greater_than_equal", "less_than_equal", "finite_number", "literal_error")

_KEY_LENGTH = 100
"""Characters of a location that a sentence repeats: a client chooses its keys."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a format: what its tables are called, and `other` for values that are of none of the basic kinds.

    `instead` has a dialect's own sentences, by pydantic's kind of error; their braces are filled from its context.
    """

    table: str
    other: str
    instead: Mapping[str, str] = field(default_factory=dict)


TOML = Wording(table="a table", other="a date or time")
JSON = Wording(table="an object", other="null", instead={"extra_forbidden": "is not known here"})


def explain(error: ErrorDetails, wording: Wording = TOML) -> str:
    """The sentence for one error: what was expected, and what was given instead as far as it may be shown."""
    kind, given = error["type"], error["input"]
    if kind in wording.instead:
        return wording.instead[kind].format_map(error.get("ctx", {}))
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind == "missing":
        return "is missing"
    if kind in ("string_too_short", "too_short"):
        return "is empty"
    expected = wording.table if kind in _TABLES else _EXPECTED.get(kind)
    if expected is not None:
        return f"should be {expected}, got {kind_of(given, wording)}"
    sentence = error["msg"].removeprefix("Input ")
    return f"{sentence}, got {_shown(given, wording)}" if kind in _OPEN else sentence


def explanations(error: ValidationError, wording: Wording = TOML) -> Iterator[tuple[Location, str]]:
    """Every location that pydantic refuses, with its explanation."""
    for details in error.errors(include_url=False):
        yield details["loc"], explain(details, wording)


def in_one_line(error: ValidationError, wording: Wording, *, most: int) -> str:
    """The first of the explanations, each led by its location: a hostile text has thousands."""
    first = islice(explanations(error, wording), most)
    return "; ".join(f"{dotted(at)[:_KEY_LENGTH]}: {text}" for at, text in first)


def kind_of(given: Any, wording: Wording) -> str:
    """The name of a value's kind: `a string`."""
    return wording.table if isinstance(given, dict) else _KINDS.get(type(given), wording.other)


def _shown(given: Any, wording: Wording) -> str:
    # Only of plain values: the repr of a list may be too deep for the interpreter's stack.
    text = repr(given) if isinstance(given, str | int | float) else kind_of(given, wording)
    return text if len(text) <= 40 else text[:37] + "..."
