"""A client of the Harbor API for tests that talk to the application without a server."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.settings import registry_table

ACCOUNTS = {
    "ops": {"role": "admin", "password": "password-of-ops"},
    "eyes": {"role": "viewer", "password": "grüße"},
}
REGISTRIES = {"main": registry_table(namespaces=["library", "team"])}


class HarborCaller:
    """Sends calls with a login and holds each answer against what every answer of this API must have."""

    def __init__(self, client: FlaskClient, name: str = "ops", password: str = "password-of-ops") -> None:
        self._client = client
        self._login = (name, password)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str | None) -> TestResponse:
        """Send a body as JSON, or bytes as they are; the path goes on from `/api/v2.0/projects`."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        present = {name: value for name, value in sent.items() if value is not None}
        auth = None if "Authorization" in sent else self._login
        answer = self._client.open(f"/api/v2.0/projects{path}", method=method, data=data, headers=present, auth=auth)
        assert not 300 <= answer.status_code < 400
        if answer.status_code >= 400 and method != "HEAD":
            self._check_error(answer)
        return answer

    def error(self, *arguments: Any, **headers: str | None) -> tuple[int, str, str]:
        """Send a call that fails; returns its status, code and message."""
        answer = self(*arguments, **headers)
        assert answer.status_code >= 400, answer.get_data(as_text=True)
        (error,) = answer.get_json()["errors"]
        return answer.status_code, error["code"], error["message"]

    @staticmethod
    def _check_error(answer: TestResponse) -> None:
        assert answer.content_type == "application/json; charset=utf-8"
        content = answer.get_json()
        assert list(content) == ["errors"]
        (error,) = content["errors"]
        assert set(error) == {"code", "message"}
        assert error["code"].isupper()
        assert error["message"]
