"""Who may use the SWR API: by a signature, else by a token; a project of others is theirs, and viewers only look."""

from __future__ import annotations

import json

import pytest

from enforcer.web.accounts import FAILED_LOGINS
from enforcer.web.app import create_app
from tests.fakes.rules import rule
from tests.fakes.sdk_hmac import SECRET, sign
from tests.fakes.settings import registry_table, settings
from tests.fakes.swr import SwrCaller

BASE = "/v2/p1/instances/main"
LIST = "/immutabletagrules"
RULES = "/namespaces/library/immutabletagrules"
DENIED = "SVCSTG.SWR.4030170"


@pytest.fixture
def anonymous(app):
    """Calls without a token."""
    return SwrCaller(app.test_client(), None)


def signed(method, path, query=(), body=b"", **options):
    """The headers of a signed call, for a caller."""
    headers = sign(method, f"{BASE}{path}", query, body, **options)
    return {name.replace("-", "_"): value for name, value in headers.items()}


def test_signature(anonymous):
    """Signed calls go through, with a body and with a query in any order."""
    body = json.dumps(rule()).encode()
    assert anonymous("POST", RULES, body, **signed("POST", RULES, body=body)).status_code == 201
    query = [("limit", "10"), ("offset", "0"), ("namespace_id", "1")]
    answer = anonymous("GET", f"{LIST}?offset=0&limit=10&namespace_id=1", **signed("GET", LIST, query))
    assert answer.get_json()["total"] == 1


def test_signature_over_what_is_encoded(anonymous):
    """A path and a query with other than plain characters are signed as they are sent."""
    path = "/namespaces/größe {x}"
    headers = signed("GET", path, [("name", "a b/ü")])
    assert anonymous.error("GET", f"{path}?name=a%20b%2F%C3%BC", **headers)[0] == 404


@pytest.mark.parametrize(
    ("arguments", "options", "changed", "reason"),
    [
        (("GET", "/immutable"), {}, {}, "the signature does not fit"),
        (("DELETE", LIST), {}, {}, "the signature does not fit"),
        (("GET", LIST, [("limit", "10")]), {}, {}, "the signature does not fit"),
        (("GET", LIST, (), b"{}"), {}, {}, "the signature does not fit"),
        (("GET", LIST), {"secret": "another"}, {}, "the signature does not fit"),
        (("GET", LIST), {"key": "AKOTHER"}, {}, "the access key is not known"),
        (("GET", LIST), {"date": "20200102T030405Z"}, {}, "away from the server's time"),
        (("GET", LIST), {}, {"Host": "127.0.0.1:9"}, "the signature does not fit"),
        (("GET", LIST), {}, {"Authorization": "Basic b3BzOnNlY3JldA=="}, "Authorization should be"),
        (("GET", LIST), {}, {"Authorization": "Bearer token-of-ops"}, "Authorization should be"),
    ],
)
def test_wrong_signature(redis, anonymous, arguments, options, changed, reason):
    """A signature that does not fit is refused with the reason, and counted."""
    status, code, text = anonymous.error("GET", LIST, **signed(*arguments, **options) | changed)
    assert (status, code) == (401, "APIGW.0301")
    assert text.startswith("Incorrect IAM authentication information: verify aksk signature fail, ")
    assert reason in text
    assert SECRET not in text
    assert redis.hgetall(FAILED_LOGINS) == {b"SDK-HMAC-SHA256": b"1"}


def test_wrong_token(redis, anonymous, caplog):
    """A token of nobody's is refused and counted, and is told to nobody."""
    status, code, text = anonymous.error("GET", LIST, X_Auth_Token="token-of-nobody")
    assert (status, code) == (401, "APIGW.0301")
    assert text == "Incorrect IAM authentication information: decrypt token fail"
    assert redis.hgetall(FAILED_LOGINS) == {b"X-Auth-Token": b"1"}
    assert "token-of-nobody" not in caplog.text


def test_no_credentials(redis, anonymous):
    """Who gives none is refused; that is no attempt."""
    status, code, _ = anonymous.error("GET", LIST)
    assert (status, code) == (401, "APIGW.0301")
    assert anonymous.error("GET", LIST, Authorization=" ", X_Auth_Token="")[0] == 401
    assert redis.hgetall(FAILED_LOGINS) == {}


def test_signature_counts_before_token(anonymous):
    """A signature that comes with a token is verified all the same; without one the token counts."""
    right, wrong = signed("GET", LIST), signed("GET", LIST, secret="another")
    assert anonymous.error("GET", LIST, X_Auth_Token="token-of-ops", **wrong)[0] == 401
    assert anonymous("GET", LIST, X_Auth_Token="of-nobody", **right).status_code == 200
    assert anonymous("GET", LIST, X_Auth_Token="token-of-ops", Authorization="").status_code == 200


def test_project_of_others(swr, anonymous):
    """An account with projects may name no other, in whatever way it proves who it is; one without may name any."""
    assert swr.at("/v2/p2/instances/main").error("GET", LIST)[:2] == (403, DENIED)
    headers = sign("GET", f"/v2/p2/instances/main{LIST}", headers={"X-Project-Id": "p1"})
    sent = {name.replace("-", "_"): value for name, value in headers.items()}
    assert anonymous.at("/v2/p2/instances/main").error("GET", LIST, **sent)[:2] == (403, DENIED)


def test_viewer(viewer, swr):
    """A viewer reads what there is, of any project, and changes nothing."""
    rule_id = swr("POST", RULES, rule()).get_json()["id"]
    assert viewer.at("/v2/p2/instances/main")("GET", LIST).get_json()["total"] == 1
    for call in (("POST", RULES), ("PUT", f"{RULES}/{rule_id}"), ("DELETE", f"{RULES}/{rule_id}")):
        assert viewer.error(*call, rule("v*"))[:2] == (403, DENIED)
    assert swr("GET", LIST).get_json()["total"] == 1


def test_nothing_is_told_before_the_login(anonymous):
    """Without a login an unknown instance is not told from a known one."""
    for base in ("/v2/p1/instances/main", "/v2/p1/instances/nowhere"):
        assert anonymous.at(base).error("POST", RULES, b"{")[0] == 401


def test_without_accounts(redis):
    """Where no account is configured the API is closed, not open."""
    registries = {"main": registry_table(namespaces=["library"])}
    client = create_app(settings(registries=registries), redis).test_client()
    assert SwrCaller(client, "").error("GET", LIST)[0] == 401
    assert SwrCaller(client, "token-of-ops").error("GET", LIST)[0] == 401
    assert SwrCaller(client, None).error("GET", LIST, **signed("GET", LIST, secret=""))[0] == 401
