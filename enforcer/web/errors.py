"""Errors as answers: JSON in the form of the API that was called, never a page, never a redirect."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Flask, Response, jsonify, request
from redis import RedisError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from enforcer.errors import EnforcerError
from enforcer.web import native
from enforcer.web.vendors import harbor, swr, tcr

logger = logging.getLogger(__name__)

Form = Callable[[Exception], Response]
"""Makes the answer for an error that a handler raised: one of ours, or werkzeug's for HTTP."""

_TOLD = ("Allow", "WWW-Authenticate")
"""Headers that belong to an error and not to the page that it would have been."""


def plain(error: Exception) -> Response:
    """The form of everything that is no vendor's API."""
    http = error if isinstance(error, HTTPException) else InternalServerError()
    answer = jsonify({"error": http.description or http.name})
    answer.status_code = http.code or 500
    answer.headers.update({name: value for name, value in http.get_headers() if name in _TOLD})
    if answer.status_code == ServiceUnavailable.code:
        answer.headers["Retry-After"] = "1"
    return answer


_FORMS: dict[str, Form] = {module.PREFIX: module.answer_error for module in (swr, harbor, native)}
"""The forms of the APIs that have a prefix of their own."""


def _form() -> Form:
    """The form of the API that the request meant, also where it has no such route."""
    if tcr.is_call():
        return tcr.answer_error
    return next((form for prefix, form in _FORMS.items() if request.path.startswith(prefix)), plain)


def init_app(app: Flask) -> None:
    """Answer every error of the application in the right form."""
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    if isinstance(error, RedisError):
        logger.error("Redis did not answer: %s", error)
        error = ServiceUnavailable("the store is not available; try again")
    elif not isinstance(error, HTTPException | EnforcerError):
        logger.error("unexpected %s in %s %s", type(error).__name__, request.method, request.path, exc_info=error)
        error = InternalServerError()
    return _form()(error)
