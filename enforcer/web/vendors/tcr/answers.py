"""Answers of the TCR API: always status 200, what was asked for or an error, and the id of the request."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, jsonify

from enforcer.errors import EnforcerError
from enforcer.web.errors import as_http
from enforcer.web.vendors.signing.tc3 import SignatureRefused

INVALID = "InvalidParameter.ErrorTcrInvalidParameter"
INTERNAL = "InternalError"
_OUR_FAULT = "the call could not be carried out; try again, and look into the server's log if it stays so"

_CODES = {
    400: INVALID,
    404: "ResourceNotFound.TcrResourceNotFound",
    405: "UnsupportedProtocol",
    409: "FailedOperation.ErrorTcrResourceConflict",
    413: "RequestSizeLimitExceeded",
}
"""The vendor's codes, by the status that another API would answer."""


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
    code, text = _code_and_text(error)
    return answer({"Error": {"Code": code, "Message": text}})


def _code_and_text(error: Exception) -> tuple[str, str]:
    if isinstance(error, CallRefused):
        return error.code, str(error)
    if isinstance(error, SignatureRefused):
        return error.fault.value, str(error)
    http = as_http(error)
    code = _CODES.get(http.code or 500)
    return (INTERNAL, _OUR_FAULT) if code is None else (code, http.description or code)
