"""Answers of the TCR API: always status 200, what was asked for or an error, and the id of the request."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, jsonify
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from enforcer.errors import EnforcerError, InvalidName, InvalidPattern, InvalidPolicy, NotFound, PolicyConflict
from enforcer.web.vendors.signing.tc3 import SignatureRefused

INVALID = "InvalidParameter.ErrorTcrInvalidParameter"
INTERNAL = "InternalError"

_CODES: dict[type[Exception], str] = {
    InvalidName: INVALID,
    InvalidPattern: INVALID,
    InvalidPolicy: INVALID,
    NotFound: "ResourceNotFound.TcrResourceNotFound",
    PolicyConflict: "FailedOperation.ErrorTcrResourceConflict",
    MethodNotAllowed: "UnsupportedProtocol",
    RequestEntityTooLarge: "RequestSizeLimitExceeded",
}


class CallRefused(EnforcerError):
    """A call cannot be carried out as it was sent; `code` is the vendor's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def answer(content: dict[str, Any]) -> Response:
    """The answer with that content."""
    return jsonify({"Response": content | {"RequestId": str(uuid.uuid4())}})


def answer_error(error: Exception) -> Response:
    """The answer for an error; it tells nothing of our own faults."""
    code = _code(error)
    text = error.description if isinstance(error, HTTPException) else str(error)
    if code == INTERNAL:
        text = "the call could not be carried out; try again, and look into the server's log if it stays so"
    return answer({"Error": {"Code": code, "Message": text or code}})


def _code(error: Exception) -> str:
    if isinstance(error, CallRefused):
        return error.code
    if isinstance(error, SignatureRefused):
        return error.fault.value
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), INTERNAL)
