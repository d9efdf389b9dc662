"""Errors of the native API: problem details as RFC 9457 describes them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import islice
from urllib.parse import quote

from flask import Response
from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError

from enforcer.errors import (
    EnforcerError,
    InvalidName,
    InvalidPattern,
    InvalidPolicy,
    NotFound,
    PolicyConflict,
    StalePolicy,
    StoreUnavailable,
)
from enforcer.validation.explain import explain
from enforcer.web.native.texts import Shape

FAULTS = 20
"""Of so many an answer tells; a hostile request has thousands."""

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_STATUS: tuple[tuple[type[EnforcerError], int], ...] = (
    (InvalidName, 400),
    (InvalidPattern, 400),
    (InvalidPolicy, 400),
    (NotFound, 404),
    (PolicyConflict, 409),
    (StalePolicy, 412),
    (StoreUnavailable, 503),
)


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


class Refused(BadRequest):
    """A request whose parameters or body cannot be accepted; `faults` says what is wrong, but not without end."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(islice(faults, FAULTS))
        super().__init__("; ".join(_told(fault) for fault in self.faults))


def faults_of_body(error: ValidationError) -> list[Fault]:
    """What pydantic refuses in a body."""
    return [
        Fault(detail=_explained(each), pointer="#" + "".join(f"/{_escaped(part)}" for part in each["loc"]))
        for each in error.errors(include_url=False)
    ]


def faults_of_query(error: ValidationError) -> list[Fault]:
    """What pydantic refuses in a query."""
    return [
        Fault(detail=_explained(each), parameter=".".join(map(str, each["loc"])))
        for each in error.errors(include_url=False)
    ]


def answer_error(error: Exception) -> Response:
    """The problem that an error is; one that is not expected says nothing of itself."""
    if isinstance(error, HTTPException):
        return _answer(_of_http(error), error.get_headers())
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), None)
    if status is None:
        logger.error("no status for %s: %s", type(error).__name__, error)
        return _answer(_of_http(InternalServerError()))
    revision = error.revision if isinstance(error, StalePolicy) else None
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=str(error), revision=revision)
    return _answer(problem)


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    return Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=error.description or HTTPStatus(status).description,
        errors=list(error.faults) if isinstance(error, Refused) else None,
    )


def _answer(problem: Problem, headers: Sequence[tuple[str, str]] = ()) -> Response:
    answer = Response(problem.model_dump_json(exclude_none=True), problem.status, content_type=MEDIA_TYPE)
    answer.headers.extend((name, value) for name, value in headers if name.lower() != "content-type")
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        answer.headers["Retry-After"] = "1"
    return answer


def _told(fault: Fault) -> str:
    where = fault.parameter or (fault.pointer or "").removeprefix("#/").replace("/", ".").removeprefix("#")
    return f"{where}: {fault.detail}" if where else fault.detail


def _explained(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return "is not known here"
    if error["type"] == "model_type":
        return "should be an object"
    return explain(error)


def _escaped(part: str | int) -> str:
    """A part of a JSON pointer (RFC 6901) as a URI fragment; not more of it than an error may repeat."""
    return quote(str(part)[:64].replace("~", "~0").replace("/", "~1"), safe="~")
