"""A client of the native API."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PREFIX = "/api/v1"


class NativeCaller:
    """Calls with a token; `path` is what comes after /api/v1."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(
        self, method: str, path: str, json: Any = None, *, headers: dict[str, str] | None = None, **more: Any
    ) -> TestResponse:
        """Send a request, with a body if one is given."""
        body = {} if json is None else {"json": json}
        return self._client.open(PREFIX + path, method=method, headers=self._headers | (headers or {}), **body, **more)

    def get(self, path: str) -> Any:
        """What a successful GET answers."""
        answer = self("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.get_json()


def draft(**changes: Any) -> dict[str, Any]:
    """The body of a policy that protects the tags `v*` of the namespace `team`."""
    return {"registry": "main", "namespace": "team", "tags": {"pattern": "v*"}} | changes


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """The problem that an answer is; a test fails if it is none, or of another status."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.text
    found: dict[str, Any] = answer.get_json()
    assert (found["status"], found["type"]) == (status, "about:blank")
    assert found["title"]
    assert found["detail"]
    return found
