from __future__ import annotations

import base64
import logging

import pytest

from enforcer.web.accounts import FAILED_LOGINS
from enforcer.web.app import create_app
from tests.fakes.native import draft, problem
from tests.fakes.settings import settings

PATH = "/api/v1/policies"


def basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize(
    "credentials",
    ["Bearer token-of-ops", "bearer token-of-ops", "Bearer token-of-eyes", basic("ops:password of öps")],
)
def test_who_may_look(client, credentials):
    """A token, or an account's name and password, is enough to look."""
    assert client.get(PATH, headers={"Authorization": credentials}).status_code == 200


@pytest.mark.parametrize(
    "credentials",
    [
        "Bearer token-of-op",
        "Bearer",
        "Bearer ",
        "Bearer password of öps",
        "token-of-ops",
        "Token token-of-ops",
        basic("ops:wrong"),
        basic("ops:"),
        basic("ops:token-of-ops"),
        basic("eyes:"),
        basic("nobody:password of öps"),
        basic("ops"),
        basic(b"ops:\xff"),
        "Basic !!!",
        "Basic öps",
        "Digest username=ops",
    ],
)
def test_who_may_not(client, redis, caplog, credentials):
    """Anything else is refused with how to log in, counted, and logged without what was sent."""
    caplog.set_level(logging.WARNING)
    answer = client.get(PATH, headers={"Authorization": credentials.encode().decode("latin-1")})
    problem(answer, 401)
    challenges = answer.headers.getlist("WWW-Authenticate")
    assert challenges == ['Basic realm="Tag Enforcer", charset=UTF-8', 'Bearer realm="Tag Enforcer"']
    assert sum(map(int, redis.hvals(FAILED_LOGINS))) == 1
    assert "a login failed" in caplog.text
    for secret in ("password", "token-of", "wrong"):
        assert secret not in caplog.text


def test_no_credentials(client, redis):
    """Who has not tried to log in is told how, and not counted."""
    answer = client.get(PATH)
    assert "name and password of an account" in problem(answer, 401)["detail"]
    assert len(answer.headers.getlist("WWW-Authenticate")) == 2
    assert not redis.exists(FAILED_LOGINS)


def test_no_account_is_configured(redis):
    """Without any account nobody may use the API, and the answer says what to do."""
    client = create_app(settings(), redis).test_client()
    answer = client.get(PATH, headers={"Authorization": basic(":")})
    assert "[accounts.<name>]" in problem(answer, 401)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/policies", draft()), ("PATCH", "/policies/1", {"disabled": True}), ("DELETE", "/policies/1", None)],
)
def test_a_viewer_changes_nothing(viewer, call, here, method, path, body):
    """An account that may only look is refused before anything else is looked at, and nothing is changed."""
    call("POST", "/policies", draft(namespace="ops"))
    version = here.stores.policies.current().version
    assert "eyes is a viewer" in problem(viewer(method, path, body), 403)["detail"]
    problem(viewer(method, path + "?nonsense=1", body), 403)
    assert here.stores.policies.current().version == version


def test_a_viewer_may_preview(viewer):
    """A preview changes nothing."""
    assert viewer("POST", "/policies/preview", draft()).status_code == 200


def test_credentials_come_first(client):
    """Without credentials nobody learns what else is wrong with a request."""
    problem(client.post(PATH + "?x=1", data="nonsense"), 401)
