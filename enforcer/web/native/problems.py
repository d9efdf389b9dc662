"""Errors of the native API: problem details as RFC 9457 describes them."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote

from flask import Response
from pydantic import Field, ValidationError
from werkzeug.exceptions import BadRequest

from enforcer.errors import StalePolicy
from enforcer.validation.explain import JSON, explanations
from enforcer.web.errors import as_http, with_headers
from enforcer.web.native.texts import Shape

FAULTS = 20
"""Of so many an answer tells; a hostile request has thousands."""

MEDIA_TYPE = "application/problem+json"


class Fault(Shape):
    """One thing that is wrong with a request; either `parameter` or `pointer` says where."""

    detail: str = Field(description="What is wrong and what is expected.")
    parameter: str | None = Field(default=None, description="Name of the query parameter or header that it is about.")
    pointer: str | None = Field(default=None, description="JSON pointer into the body, as a URI fragment.")


class Problem(Shape):
    """Why a request was not carried out."""

    type: str = Field(default="about:blank", description="Always about:blank: the status says which kind it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The status of the answer.")
    detail: str = Field(description="What was wrong with this request, and what to do about it.")
    errors: list[Fault] | None = Field(
        default=None, description="All that is wrong with the request, if it is at fault."
    )
    revision: int | None = Field(default=None, description="With status 412: the revision that the policy has now.")


class InvalidRequest(BadRequest):
    """A request whose parameters or body cannot be accepted; `faults` says what is wrong, but not without end."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(islice(faults, FAULTS))
        super().__init__("; ".join(_told(fault) for fault in self.faults))


def faults_of_body(error: ValidationError) -> list[Fault]:
    """The faults that pydantic finds in a body."""
    return [
        Fault(detail=text, pointer="#" + "".join(f"/{_escaped(part)}" for part in at))
        for at, text in explanations(error, JSON)
    ]


def faults_of_query(error: ValidationError) -> list[Fault]:
    """The faults that pydantic finds in a query."""
    return [Fault(detail=text, parameter=".".join(map(str, at))) for at, text in explanations(error, JSON)]


def answer_error(error: Exception) -> Response:
    """The problem that an error is."""
    http = as_http(error)
    status = HTTPStatus(http.code or 500)
    problem = Problem(
        title=status.phrase,
        status=status,
        detail=http.description or status.description,
        errors=list(error.faults) if isinstance(error, InvalidRequest) else None,
        revision=error.revision if isinstance(error, StalePolicy) else None,
    )
    return with_headers(Response(problem.model_dump_json(exclude_none=True), status, content_type=MEDIA_TYPE), http)


def _told(fault: Fault) -> str:
    where = fault.parameter or (fault.pointer or "").removeprefix("#/").replace("/", ".").removeprefix("#")
    return f"{where}: {fault.detail}" if where else fault.detail


def _escaped(part: str | int) -> str:
    """A part of a JSON pointer (RFC 6901) as a URI fragment; not more of it than an error may repeat."""
    return quote(str(part)[:64].replace("~", "~0").replace("/", "~1"), safe="~")
