"""Operations: each is declared once; from that come its route, the checks of its requests, and its documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import Blueprint, Response, request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.exceptions import UnsupportedMediaType
from werkzeug.routing import BaseConverter

from enforcer.web.accounts import Account
from enforcer.web.body import read_body
from enforcer.web.native.authentication import authenticate, require_admin
from enforcer.web.native.paging import Query, read_query
from enforcer.web.native.problems import Fault, InvalidRequest, faults_of_body
from enforcer.web.native.texts import Shape

PREFIX = "/api/v1"

MEDIA_TYPE = "application/json"

_CONVERTERS = {"policy_id": "id", "unlock_id": "id", "repository": "path"}
"""How Flask calls what such a part of a path may be; a repository may have slashes."""

_PARAMETER = re.compile(r"\{(\w+)\}")

Asked = TypeVar("Asked", bound=Query)
Given = TypeVar("Given", bound=BaseModel)


class Id(BaseConverter):
    """The number of something, as part of a path: plain digits, and not more than any number has."""

    regex = "[1-9][0-9]{0,17}"


class NoBody(Shape):
    """The body of an operation that takes none."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Asked, Given]):
    """A request that was checked: who calls, the parts of the path, the query and the body."""

    account: Account
    path: dict[str, str]
    query: Asked
    body: Given


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of an operation; without content, status 204."""

    content: BaseModel | None
    headers: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    `changes` is what only an admin may do. `versioned` answers carry an ETag, and a `conditional` operation heeds
    If-Match. `refusals` are the statuses besides those that any operation can answer with.
    """

    name: str
    method: str
    path: str
    summary: str
    description: str
    query: type[Query]
    body: type[BaseModel] | None
    answer: type[BaseModel] | None
    status: int
    changes: bool
    paged: bool
    versioned: bool
    conditional: bool
    refusals: tuple[int, ...]

    @property
    def parameters(self) -> list[str]:
        """The names of the parts of the path that differ."""
        return _PARAMETER.findall(self.path)

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return _PARAMETER.sub(lambda found: f"<{_CONVERTERS.get(found[1], 'string')}:{found[1]}>", self.path)


Handler = Callable[[Call[Asked, Given]], Answer]


class Group:
    """The operations of one noun, on a blueprint."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.blueprint = Blueprint(name, __name__)
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        path: str,
        *,
        query: type[Asked],
        body: type[Given],
        answer: type[BaseModel] | None,
        status: int = 200,
        changes: bool = False,
        paged: bool = False,
        versioned: bool = False,
        conditional: bool = False,
        refusals: tuple[int, ...] = (),
    ) -> Callable[[Handler[Asked, Given]], Handler[Asked, Given]]:
        """Declare the operation that a function carries out; its docstring is the documentation."""

        def declare(handler: Handler[Asked, Given]) -> Handler[Asked, Given]:
            summary, _, description = (handler.__doc__ or "").partition("\n\n")
            declared = Operation(
                name=handler.__name__,
                method=method,
                path=path,
                summary=" ".join(summary.split()).removesuffix("."),
                description=" ".join(description.split()),
                query=query,
                body=None if body is NoBody else body,
                answer=answer,
                status=status,
                changes=changes,
                paged=paged,
                versioned=versioned,
                conditional=conditional,
                refusals=refusals,
            )
            self.operations.append(declared)

            def view(**parts: str) -> Response:
                return _answer(declared, handler, query, body, parts)

            self.blueprint.add_url_rule(declared.rule, declared.name, view, methods=[method])
            return handler

        return declare


def _answer(
    declared: Operation,
    handler: Handler[Asked, Given],
    query: type[Asked],
    body: type[Given],
    parts: dict[str, str],
) -> Response:
    # Before anything is read: a stranger learns neither what is there nor what a body should hold.
    account = authenticate()
    if declared.changes:
        require_admin(account)
    answer = handler(Call(account, parts, read_query(query), _read_body(body)))
    content = "" if answer.content is None else answer.content.model_dump_json()
    response = Response(content, declared.status, content_type=MEDIA_TYPE)
    if answer.content is None:
        del response.headers["Content-Type"]  # clients parse an empty body that says JSON
    response.headers.extend(answer.headers)
    return response


def _read_body(model: type[Given]) -> Given:
    if model is NoBody:
        return model()
    if request.mimetype != MEDIA_TYPE:
        raise UnsupportedMediaType(f"the body must be {MEDIA_TYPE}, not {request.mimetype[:64] or 'untyped'}")
    try:
        given = from_json(read_body(), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequest([Fault(detail=f"is no JSON: {error}", pointer="#")]) from error
    try:
        return model.model_validate(_with_integers(given))
    except ValidationError as error:
        raise InvalidRequest(faults_of_body(error)) from error


def _with_integers(given: Any) -> Any:
    """JSON with 1 in place of 1.0, which JSON Schema calls an integer too; no field takes a fraction."""
    if isinstance(given, dict):
        return {name: _with_integers(value) for name, value in given.items()}
    if isinstance(given, list):
        return [_with_integers(value) for value in given]
    return int(given) if isinstance(given, float) and given.is_integer() else given
