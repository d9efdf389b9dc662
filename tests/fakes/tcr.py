"""A client of the TCR API for tests that talk to the application without a server."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask.testing import FlaskClient

from tests.fakes.tc3 import KEY, SECRET, sign


class TcrCaller:
    """Sends signed calls to the application and reads what the vendor's SDK would read."""

    def __init__(self, client: FlaskClient, key: str = KEY, secret: str = SECRET) -> None:
        self._client = client
        self._key, self._secret = key, secret

    def __call__(self, action: str, parameters: Any = None, **headers: str) -> dict[str, Any]:
        """POST parameters as JSON, or bytes as they are; returns what stands in `Response`."""
        body = parameters if isinstance(parameters, bytes) else json.dumps(parameters or {}).encode()
        return self._send("POST", action, "", body, headers)

    def get(self, action: str, query: str, **headers: str) -> dict[str, Any]:
        """GET with a query as it is."""
        return self._send("GET", action, query, b"", headers)

    def _send(self, method: str, action: str, query: str, body: bytes, more: Mapping[str, str]) -> dict[str, Any]:
        kind = "application/json" if method == "POST" else "application/x-www-form-urlencoded"
        headers = sign(method, query=query, body=body, key=self._key, secret=self._secret, content_type=kind)
        headers |= {"X-TC-Action": action, "X-TC-Version": "2019-09-24"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        answer = self._client.open("/", method=method, query_string=query, data=body, headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        content: dict[str, Any] = answer.get_json()["Response"]
        assert content["RequestId"]
        return content
