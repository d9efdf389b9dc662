"""Our errors as HTTP knows them: what a vendor's API makes its own form of."""

from __future__ import annotations

from flask import Response
from werkzeug import exceptions
from werkzeug.exceptions import HTTPException

from enforcer.errors import InvalidPolicy, NotFound, PolicyConflict

_KINDS: dict[type[Exception], type[HTTPException]] = {
    InvalidPolicy: exceptions.BadRequest,
    NotFound: exceptions.NotFound,
    PolicyConflict: exceptions.Conflict,
}

_OUR_FAULT = "internal error; try again, and look into the server's log if it stays so"


def as_http(error: Exception) -> HTTPException:
    """The error as one of HTTP; whatever is our own fault becomes 500 and tells nothing."""
    for kind, http in _KINDS.items():
        if isinstance(error, kind):
            return http(str(error))
    if isinstance(error, HTTPException) and error.code not in (None, 500):
        return error
    return exceptions.InternalServerError(_OUR_FAULT)


def with_headers(answer: Response, error: HTTPException) -> Response:
    """The answer with what HTTP asks for beside that status: `Allow`, `WWW-Authenticate`, `Retry-After`."""
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            answer.headers[name] = value
    if error.code == 503:
        answer.headers["Retry-After"] = "1"
    return answer
