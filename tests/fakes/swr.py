"""A client of the SWR API for tests that talk to the application without a server."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


class SwrCaller:
    """Sends calls with a token and holds each answer against what every answer of this API must have."""

    def __init__(self, client: FlaskClient, token: str | None, base: str = "/v2/p1/instances/main") -> None:
        self._client = client
        self._token = token
        self._base = base

    def __call__(self, method: str, path: str, body: Any = None, **headers: str | None) -> TestResponse:
        """Send a body as JSON, or bytes as they are; the path goes on from the instance."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "X-Auth-Token": self._token}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        present = {name: value for name, value in sent.items() if value is not None}
        answer = self._client.open(f"{self._base}{path}", method=method, data=data, headers=present)
        assert answer.headers["X-Request-Id"]
        assert not 300 <= answer.status_code < 400
        if answer.status_code >= 400:
            self._check_error(answer)
        return answer

    def error(self, *arguments: Any, **headers: str | None) -> tuple[int, str, str]:
        """Send a call that fails; returns its status, code and message."""
        answer = self(*arguments, **headers)
        assert answer.status_code >= 400, answer.get_data(as_text=True)
        content = answer.get_json()
        return answer.status_code, content["error_code"], content["error_msg"]

    def at(self, base: str) -> SwrCaller:
        """The same caller on another project or instance."""
        return SwrCaller(self._client, self._token, base)

    @staticmethod
    def _check_error(answer: TestResponse) -> None:
        """Both shapes that the vendor documents, saying the same."""
        assert answer.content_type == "application/json"
        content = answer.get_json()
        code, text = content["error_code"], content["error_msg"]
        assert content == {
            "errors": [{"errorCode": code, "errorMessage": text, "detail": ""}],
            "error_code": code,
            "error_msg": text,
            "details": [{"error_code": code, "error_msg": text}],
        }
        assert code == "APIGW.0301" or code.startswith(f"SVCSTG.SWR.{answer.status_code}")
        assert text
