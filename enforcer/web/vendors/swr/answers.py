"""Answers of the SWR API: errors in both shapes that the vendor documents, and the id of the request."""

from __future__ import annotations

import uuid

from flask import Response, jsonify

from enforcer.errors import NotFound
from enforcer.web.errors import as_http, with_headers

_MISSING = {"registry": "SVCSTG.SWR.4040001", "namespace": "SVCSTG.SWR.4040002", "policy": "SVCSTG.SWR.4040003"}

_CODES = {400: "SVCSTG.SWR.4000014", 401: "APIGW.0301", 403: "SVCSTG.SWR.4030170", 409: "SVCSTG.SWR.4090001"}


def identified(answer: Response) -> Response:
    """The answer with an id, by which the SDK's exceptions name it."""
    answer.headers.setdefault("X-Request-Id", uuid.uuid4().hex)
    return answer


def answer_error(error: Exception) -> Response:
    """The answer for an error."""
    http = as_http(error)
    status = http.code or 500
    text = http.description or http.name
    if status == 400:
        text = f"invalid parameter: {text}"
    code = _MISSING[error.kind] if isinstance(error, NotFound) else _CODES.get(status, f"SVCSTG.SWR.{status}0000")
    answer = jsonify(
        {
            "errors": [{"errorCode": code, "errorMessage": text, "detail": ""}],
            "error_code": code,
            "error_msg": text,
            "details": [{"error_code": code, "error_msg": text}],
        }
    )
    answer.status_code = status
    return identified(with_headers(answer, http))
