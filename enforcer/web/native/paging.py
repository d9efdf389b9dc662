"""Queries and pages: what stands behind the `?`, and lists that are given a part at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import urlencode

from flask import request
from pydantic import BeforeValidator, Field, ValidationError

from enforcer.validation.integers import read_integer
from enforcer.validation.problems import suggestion
from enforcer.web.native.problems import Fault, InvalidRequest, faults_of_query
from enforcer.web.native.texts import Shape

LIMIT = 1000
"""Entries of the largest page."""


def _integer(given: Any) -> Any:
    return read_integer(given) if isinstance(given, str) else given


Integer = Annotated[int, BeforeValidator(_integer)]
Item = TypeVar("Item")


class Query(Shape):
    """The parameters of a query: without fields, none."""


class PageQuery(Query):
    """Which part of a list is asked for."""

    limit: Integer = Field(default=100, ge=1, le=LIMIT, description="Largest number of entries in the answer.")
    offset: Integer = Field(default=0, ge=0, le=10**9, description="Number of entries to leave out at the beginning.")


Asked = TypeVar("Asked", bound=Query)


class Page(Shape, Generic[Item]):
    """A part of a list."""

    items: list[Item] = Field(description="The entries of this page.")
    total: int = Field(description="Number of entries on all pages together.")


def read_query(model: type[Asked]) -> Asked:
    """The parameters of the request. Raises `InvalidRequest` with each that is unknown, given twice or wrong."""
    known = model.model_fields
    faults = []
    for name, values in request.args.lists():
        if name not in known:
            faults.append(Fault(detail=f"is no parameter here{suggestion(name[:64], known)}", parameter=name[:64]))
        elif len(values) > 1:
            faults.append(Fault(detail=f"is given {len(values)} times", parameter=name))
    if faults:
        raise InvalidRequest(faults)
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidRequest(faults_of_query(error)) from error


def link_to_next(query: PageQuery, total: int) -> list[tuple[str, str]]:
    """The header that tells where the next page is, if there is one."""
    following = query.offset + query.limit
    return [link(offset=following)] if following < total else []


def link(**changed: object) -> tuple[str, str]:
    """A `Link` header with the next page: this request with some parameters changed."""
    # Without scheme and host: behind a proxy, ours are not those that the client knows.
    parameters = request.args.to_dict() | {name: str(value) for name, value in changed.items()}
    return "Link", f'<{request.path}?{urlencode(parameters)}>; rel="next"'


def cut(items: Sequence[Item], query: PageQuery) -> Sequence[Item]:
    """The entries of the page, from all of them."""
    return items[query.offset : query.offset + query.limit]
