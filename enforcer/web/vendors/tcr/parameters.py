"""The parameters of the TCR actions: JSON in a POST, names with dots in the query of a GET."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl

from pydantic import BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo
from pydantic.alias_generators import to_pascal

from enforcer.policies.declaration import PatternText
from enforcer.validation.explain import JSON, in_one_line
from enforcer.validation.integers import read_integer
from enforcer.validation.json_object import JsonObject
from enforcer.web.vendors.tcr.answers import INVALID, CallRefused

_QUERY = "query"
"""The validation context of a GET, where every value is text."""

_COMMON = frozenset({"Action", "Version", "Region", "Language", "RequestClient", "Timestamp", "Token"})
"""Parameters of every call that the query may have instead of a header."""

_MOST_FIELDS = 100
_LARGEST = 2**63 - 1
_BOOLEANS = {"true": True, "false": False}
_WORDING = replace(JSON, instead={"extra_forbidden": "is no parameter of this action"})

_SHOWN = 5
"""Problems of one call that an answer tells."""


def _number(given: Any, info: ValidationInfo) -> Any:
    is_text = info.context == _QUERY and isinstance(given, str)
    return read_integer(given, padded=True) if is_text else given


def _boolean(given: Any, info: ValidationInfo) -> Any:
    is_text = info.context == _QUERY and isinstance(given, str)
    return _BOOLEANS.get(given.lower(), given) if is_text else given


def _list(given: Any, info: ValidationInfo) -> Any:
    """A list as queries have it: `TagPattern.0=a&TagPattern.1=b`."""
    is_list = info.context == _QUERY and isinstance(given, dict) and list(given) == [str(n) for n in range(len(given))]
    return list(given.values()) if is_list else given


Number = Annotated[int, Field(ge=1, le=_LARGEST), BeforeValidator(_number)]
Boolean = Annotated[bool, BeforeValidator(_boolean)]
Pattern = Annotated[PatternText, BeforeValidator(_list)]
Name = Annotated[str, Field(min_length=1, max_length=255)]


class Parameters(JsonObject):
    """Parameters in the vendor's spelling. An unknown one is refused: `Disable` would leave a rule in force."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_pascal)


class Rule(Parameters):
    """A rule in TCR's words. The vendor's own example sends the id and namespace too; they mean nothing."""

    repository_pattern: Pattern
    repository_decoration: Literal["repoMatches", "repoExcludes"]
    tag_pattern: Pattern
    tag_decoration: Literal["matches", "excludes"]
    disabled: Boolean = False
    rule_id: Any = None
    ns_name: Any = None


class DescribeParameters(Parameters):
    """Without `PageSize` one page has everything, since there are clients that never ask for the second."""

    registry_id: Name
    page: Number = 1
    page_size: Annotated[Number, Field(le=100)] | None = None


class CreateParameters(Parameters):
    registry_id: Name
    namespace_name: Name
    rule: Rule


class DeleteParameters(Parameters):
    registry_id: Name
    namespace_name: Name
    rule_id: Number


class ModifyParameters(DeleteParameters):
    rule: Rule


P = TypeVar("P", bound=Parameters)


def from_json(kind: type[P], body: bytes) -> P:
    """The parameters in a POST. Raises `CallRefused` with everything that is wrong with them."""
    try:
        given = json.loads(body.decode()) if body else {}
    except (ValueError, RecursionError) as error:  # numbers of 5,000 digits, 100,000 brackets
        raise CallRefused("InvalidParameter", "the body is not JSON: it should be an object of parameters") from error
    if not isinstance(given, dict):
        raise CallRefused("InvalidParameter", "the body should be a JSON object of parameters")
    return _validated(kind, given)


def from_query(kind: type[P], query: bytes) -> P:
    """The parameters in a GET. Raises `CallRefused` with everything that is wrong with them."""
    try:
        pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise CallRefused(
            "InvalidParameter", f"the query should be at most {_MOST_FIELDS} pairs of name=value in UTF-8"
        ) from error
    given = _nested((name, value) for name, value in pairs if name not in _COMMON)
    return _validated(kind, given, context=_QUERY)


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Objects in place of names with dots."""
    given: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = name.split(".")
        place: Any = given
        for part in path:
            place = place.setdefault(part, {}) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last in place:
            raise CallRefused("InvalidParameter", f"{name[:80]}: is given twice")
        place[last] = value
    return given


def _validated(kind: type[P], given: dict[str, Any], context: str = "") -> P:
    try:
        return kind.model_validate(given, context=context)
    except ValidationError as error:
        raise _refusal(error) from None  # its text repeats what was sent


def _refusal(error: ValidationError) -> CallRefused:
    kinds = {details["type"] for details in error.errors(include_url=False)}
    code = INVALID
    if "missing" in kinds:
        code = "MissingParameter"
    elif kinds == {"extra_forbidden"}:
        code = "UnknownParameter"
    return CallRefused(code, in_one_line(error, _WORDING, most=_SHOWN))
