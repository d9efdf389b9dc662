from __future__ import annotations

import pytest

from enforcer.web.app import create_app
from tests.fakes.settings import TOKEN, settings

AUTHENTIC = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def app(redis):
    return create_app(settings(), redis)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.mark.parametrize("path", ["/notifications/main", "/notifications/main/"])
def test_a_slash_too_many_finds_its_route(client, path):
    """A trailing slash is no redirect, which would lose the notification."""
    assert client.post(path, data='{"events": []}', headers=AUTHENTIC).status_code == 202


@pytest.mark.parametrize(
    "path",
    [
        "/notifications",
        "/notifications/",
        "//notifications/main",
        "/notifications//main",
        "/notifications/main//",
        "/notifications/main/more",
        "/notifications/../notifications/main",
        "/Notifications/main",
        "/healthz/x",
        "/%2e%2e/",
        "/\u2713",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_never_a_redirect_never_a_page(client, path, method):
    """What is not there is a 404 in JSON: a redirect is followed without the body, or taken for success."""
    answer = client.open(path, method=method, data="{}", headers=AUTHENTIC)
    assert answer.status_code == 404
    assert answer.json["error"]
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/notifications/main", "GET", {"POST", "OPTIONS"}),
        ("/notifications/main", "PUT", {"POST", "OPTIONS"}),
        ("/healthz", "POST", {"GET", "HEAD", "OPTIONS"}),
        ("/readyz", "DELETE", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_a_wrong_method_is_told_the_right_one(client, path, method, allowed):
    """405 in JSON, with the methods that there are."""
    answer = client.open(path, method=method, headers=AUTHENTIC)
    assert answer.status_code == 405
    assert answer.json["error"]
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_a_bug_is_a_500_that_tells_nothing(app, caplog):
    """What nobody thought of is in the log with its trace, and not in the answer."""

    def fail() -> None:
        raise RuntimeError("geheim")

    app.add_url_rule("/fail", view_func=fail)
    answer = app.test_client().get("/fail")
    assert answer.status_code == 500
    assert "geheim" not in answer.text
    assert answer.json["error"]
    assert "unexpected RuntimeError" in caplog.text


def test_no_files_are_served(client):
    """There are no static files, so no route that could be walked out of."""
    assert client.get("/static/x").status_code == 404
