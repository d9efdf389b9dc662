"""Who may use the Harbor API: an account with its password; viewers only look."""

from __future__ import annotations

from base64 import b64encode

import pytest

from enforcer.accounts import FAILED_LOGINS
from enforcer.web.app import create_app
from tests.fakes.harbor import REGISTRIES, HarborCaller
from tests.fakes.rules import rule
from tests.fakes.settings import settings

RULES = "/library/immutabletagrules"


def basic(text):
    return f"Basic {b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    "authorization",
    [
        basic("ops:wrong"),
        basic("ops:"),
        basic("ops"),
        basic("nobody:password-of-ops"),
        basic(":"),
        "Basic ?",
        "Basic /w==",
        "Basic",
        "Bearer password-of-ops",
        "x",
    ],
)
def test_wrong_login(redis, harbor, authorization, caplog):
    """A login that fails is refused before anything else, and counted."""
    answer = harbor("POST", "/nobody/immutabletagrules", b"{", Authorization=authorization)
    assert answer.status_code == 401
    assert answer.get_json()["errors"][0]["code"] == "UNAUTHORIZED"
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert redis.hgetall(FAILED_LOGINS) == {b"Harbor": b"1"}
    assert "password-of-ops" not in caplog.text


def test_no_login(redis, harbor):
    """Who gives none is refused; that is no attempt."""
    assert harbor.error("GET", RULES, Authorization=None)[:2] == (401, "UNAUTHORIZED")
    assert redis.hgetall(FAILED_LOGINS) == {}


def test_viewer(viewer, harbor):
    """A viewer, whose password may have any letters, reads what there is and changes nothing."""
    harbor("POST", RULES, rule())
    (found,) = viewer("GET", RULES).get_json()
    for call in (("POST", RULES), ("PUT", f"{RULES}/{found['id']}"), ("DELETE", f"{RULES}/{found['id']}")):
        assert viewer.error(*call, rule("v*"))[:2] == (403, "FORBIDDEN")
    assert viewer("GET", RULES).get_json() == [found]


def test_without_accounts(redis):
    """Where no account is configured the API is closed, not open."""
    client = create_app(settings(registries=REGISTRIES), redis).test_client()
    for name, password in (("", ""), ("ops", "password-of-ops")):
        assert HarborCaller(client, name, password).error("GET", RULES)[0] == 401
