"""Errors as answers: the one map from errors to HTTP, and JSON in the form of the API that was called.

Never a page, never a redirect. A dialect only shapes the body: `as_http` says which status and text, `with_headers`
adds what HTTP asks for beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from flask import Flask, Response, jsonify, request
from redis import RedisError
from werkzeug import exceptions
from werkzeug.exceptions import HTTPException

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

logger = logging.getLogger(__name__)

_HTTP: dict[type[EnforcerError], type[HTTPException]] = {
    InvalidName: exceptions.BadRequest,
    InvalidPattern: exceptions.BadRequest,
    InvalidPolicy: exceptions.BadRequest,
    NotFound: exceptions.NotFound,
    PolicyConflict: exceptions.Conflict,
    StalePolicy: exceptions.PreconditionFailed,
    StoreUnavailable: exceptions.ServiceUnavailable,
}

_OUR_FAULT = "internal error; try again, and look into the server's log if it stays so"


class Dialect(Protocol):
    """An API with errors of its own form."""

    def is_call(self) -> bool:
        """True if the current request is meant for this API, also where it has no such route."""

    def answer_error(self, error: Exception) -> Response:
        """The answer for an error that a handler raised: one of ours, or werkzeug's for HTTP."""


def as_http(error: Exception) -> HTTPException:
    """The error as one of HTTP; what is our own fault becomes 500 and tells nothing of itself."""
    for kind, http in _HTTP.items():
        if isinstance(error, kind):
            return http(str(error))
    if isinstance(error, HTTPException) and error.code not in (None, 500):
        return error
    if isinstance(error, EnforcerError):
        logger.error("no status for %s: %s", type(error).__name__, error)
    return exceptions.InternalServerError(_OUR_FAULT)


def with_headers(answer: Response, error: HTTPException) -> Response:
    """The answer with what HTTP asks for beside that status: `Allow`, `WWW-Authenticate`, `Retry-After`."""
    # The type is that of the page that the error would have been. Extended, not set: each challenge has its own line.
    answer.headers.extend((name, value) for name, value in error.get_headers() if name.lower() != "content-type")
    if error.code == exceptions.ServiceUnavailable.code:
        answer.headers["Retry-After"] = "1"
    return answer


def plain(error: Exception) -> Response:
    """The form of everything that is no dialect's."""
    http = as_http(error)
    answer = jsonify({"error": http.description or http.name})
    answer.status_code = http.code or 500
    return with_headers(answer, http)


def init_app(app: Flask, dialects: Iterable[Dialect]) -> None:
    """Answer every error of the application in the form of the first dialect that the request is meant for."""
    known = tuple(dialects)

    def form() -> Callable[[Exception], Response]:
        return next((dialect.answer_error for dialect in known if dialect.is_call()), plain)

    app.register_error_handler(Exception, lambda error: form()(_told(error)))


def _told(error: Exception) -> Exception:
    """The error that a client may hear of; the others are for the log alone."""
    if isinstance(error, RedisError):
        logger.error("Redis did not answer: %s", error)
        return exceptions.ServiceUnavailable("the store is not available; try again")
    if not isinstance(error, HTTPException | EnforcerError):
        logger.error("unexpected %s in %s %s", type(error).__name__, request.method, request.path, exc_info=error)
        return exceptions.InternalServerError()
    return error
