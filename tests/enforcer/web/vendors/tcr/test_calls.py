"""Calls: who may make them, which action they mean, and that every answer has the vendor's form."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enforcer.web.accounts import FAILED_LOGINS
from enforcer.web.app import create_app
from tests.fakes import settings as fake_settings
from tests.fakes.tc3 import KEY, sign
from tests.fakes.tcr import TcrCaller

DESCRIBE = "DescribeImmutableTagRules"
MAIN = {"RegistryId": "main"}
RULE = {
    "RepositoryPattern": "**",
    "RepositoryDecoration": "repoMatches",
    "TagPattern": "**",
    "TagDecoration": "matches",
}
DOCUMENTED = {
    "FailedOperation.ErrorTcrResourceConflict",
    "InvalidAction",
    "InvalidParameter",
    "InvalidParameter.ErrorTcrInvalidParameter",
    "MissingParameter",
    "ResourceNotFound.TcrResourceNotFound",
    "UnknownParameter",
}


def error_of(answer):
    """The error in a raw answer, which has the form that the vendor's SDK reads."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    content = answer.get_json()["Response"]
    assert content["RequestId"]
    assert content["Error"]["Message"]
    return content["Error"]


def test_get_is_as_good_as_post(tcr):
    """All four actions work with parameters in the query."""
    rule = "&".join(f"Rule.{name}={value.replace('*', '%2A')}" for name, value in RULE.items())
    place = "RegistryId=main&NamespaceName=team"
    assert "Error" not in tcr.get("CreateImmutableTagRules", f"{place}&{rule}&Rule.Disabled=True")
    (shown,) = tcr.get(DESCRIBE, "RegistryId=main&Page=1&PageSize=10")["Rules"]
    assert shown == RULE | {"RuleId": 1, "NsName": "team", "Disabled": True}
    assert "Error" not in tcr.get("ModifyImmutableTagRules", f"{place}&RuleId=1&{rule}&Rule.Disabled=False")
    assert tcr.get(DESCRIBE, "RegistryId=main")["Rules"] == [shown | {"Disabled": False}]
    assert "Error" not in tcr.get("DeleteImmutableTagRules", f"{place}&RuleId=1")
    assert tcr.get(DESCRIBE, "RegistryId=main")["Rules"] == []


def test_action_and_version_as_parameters(tcr):
    """Where the headers are missing, the query counts."""
    answer = tcr.get("", f"Action={DESCRIBE}&Version=2019-09-24&RegistryId=main", X_TC_Version="")
    assert answer["Total"] == 0


@pytest.mark.parametrize("action", ["DescribeImages", "describeImmutableTagRules", "x" * 5000])
def test_unknown_action(tcr, action):
    """The message says which actions there are."""
    error = tcr(action, MAIN)["Error"]
    assert error["Code"] == "InvalidAction"
    assert DESCRIBE in error["Message"]
    assert len(error["Message"]) < 400


@pytest.mark.parametrize("version", ["", "2017-03-12", "2019-09-24-1"])
def test_unknown_version(tcr, version):
    """There is one version."""
    error = tcr(DESCRIBE, MAIN, X_TC_Version=version)["Error"]
    assert error["Code"] == "NoSuchVersion"
    assert "2019-09-24" in error["Message"]


def test_viewer_only_looks(viewer, tcr):
    """A viewer sees rules and changes none."""
    tcr("CreateImmutableTagRules", MAIN | {"NamespaceName": "team", "Rule": RULE})
    assert viewer(DESCRIBE, MAIN)["Total"] == 1
    for action in ("CreateImmutableTagRules", "ModifyImmutableTagRules", "DeleteImmutableTagRules"):
        parameters = MAIN | {"NamespaceName": "team", "RuleId": 1, "Rule": RULE}
        assert viewer(action, parameters)["Error"]["Code"] == "UnauthorizedOperation"
    assert viewer(DESCRIBE, MAIN)["Total"] == 1


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"key": "AKIDNOBODY"}, "AuthFailure.SecretIdNotFound"),
        ({"secret": "wrong"}, "AuthFailure.SignatureFailure"),
        ({"service": "cvm"}, "AuthFailure.SignatureFailure"),
        ({"body": b"{}"}, "AuthFailure.SignatureFailure"),
        ({"ahead": -400}, "AuthFailure.SignatureExpire"),
        ({"ahead": 400}, "AuthFailure.SignatureExpire"),
        (None, "AuthFailure.InvalidAuthorization"),
    ],
    ids=["nobody", "secret", "service", "body", "past", "future", "unsigned"],
)
def test_wrong_login(app, redis, options, code):
    """Whoever does not prove a key gets nothing, and it is counted."""
    body = json.dumps(MAIN).encode()
    at = time.time() + (options or {}).pop("ahead", 0)  # not when the tests are collected: they may take long
    headers = sign("POST", **{"body": body, "at": at, **options}) if options is not None else {}
    headers |= {"X-TC-Action": DESCRIBE, "X-TC-Version": "2019-09-24"}
    assert error_of(app.test_client().post("/", data=body, headers=headers))["Code"] == code
    assert redis.hgetall(FAILED_LOGINS) == {b"TC3-HMAC-SHA256": b"1"}


def test_login_is_checked_first(app):
    """Without a login nobody learns which actions and registries there are."""
    for action in ("CreateImmutableTagRules", "NoSuchAction"):
        answer = app.test_client().post("/", json={"RegistryId": "main"}, headers={"X-TC-Action": action})
        assert error_of(answer)["Code"] == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize(
    "configured", [{}, {"eyes": {"role": "admin", "password": "a-password"}}], ids=["none", "no key"]
)
def test_closed_without_keys(redis, configured):
    """Where no account has an access key, the API is closed."""
    app = create_app(fake_settings.settings(accounts=configured), redis)
    assert TcrCaller(app.test_client())(DESCRIBE, MAIN)["Error"]["Code"] == "AuthFailure.SecretIdNotFound"
    assert TcrCaller(app.test_client(), "", "")(DESCRIBE, MAIN)["Error"]["Code"] == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_older_signatures(app, redis, method):
    """Requests with the vendor's older signatures, whose action is a parameter, are told what to use."""
    form = {"Action": DESCRIBE, "SecretId": KEY, "SignatureMethod": "HmacSHA1", "Signature": "x", "Nonce": "1"}
    where = {"query_string": form} if method == "GET" else {"data": form}
    error = error_of(app.test_client().open("/", method=method, **where))
    assert error["Code"] == "AuthFailure.InvalidAuthorization"
    assert "TC3-HMAC-SHA256" in error["Message"]
    assert redis.hvals(FAILED_LOGINS) == [b"1"]


def test_nothing_but_calls_at_the_address(app):
    """Whatever names no action finds nothing, in the application's plain form."""
    client = app.test_client()
    for answer in (
        client.get("/"),
        client.get("/?page=1"),
        client.post("/", json={"Action": DESCRIBE}),
        client.post("/", data={"action": "x", "XAction": "Action"}),
        client.post("/", headers={"X-TC-Action": ""}),
    ):
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
        assert "X-TC-Action" in answer.get_json()["error"]


def test_action_elsewhere_is_none(app):
    """The header means nothing at another address."""
    answer = app.test_client().post("/elsewhere", headers={"X-TC-Action": DESCRIBE})
    assert answer.status_code == 404
    assert "Response" not in answer.get_json()


def test_wrong_method(app):
    """Other methods than GET and POST get the vendor's form as well."""
    for method in ("PUT", "DELETE", "PATCH"):
        answer = app.test_client().open("/", method=method, headers={"X-TC-Action": DESCRIBE})
        assert error_of(answer)["Code"] == "UnsupportedProtocol"


def test_body_of_five_mebibytes(app, tcr):
    """A body that no honest client sends is refused, whether its length was announced or not."""
    assert tcr(DESCRIBE, b" " * (5 << 20))["Error"]["Code"] == "RequestSizeLimitExceeded"
    answer = app.test_client().post("/", data={"Action": "x", "more": "x" * (5 << 20)})
    assert answer.status_code == 413


def test_redis_is_away(here, tcr):
    """What is our fault is told in the vendor's form, without details."""
    here.stores.redis.connection_pool.connection_kwargs["server"].connected = False
    error = tcr(DESCRIBE, MAIN)["Error"]
    assert error["Code"] == "InternalError"
    assert "redis" not in error["Message"].lower()


NAMES = st.sampled_from(["RegistryId", "NamespaceName", "Rule", "RuleId", "Page", "PageSize", *RULE, "Disabled"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["main", "team", "**", "v*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)
NEARLY_RIGHT = st.fixed_dictionaries(
    {"RegistryId": st.just("main") | JSON, "NamespaceName": st.just("team") | JSON},
    optional={
        "RuleId": st.integers(0, 3) | JSON,
        "Rule": st.fixed_dictionaries(
            {
                "RepositoryPattern": st.just("**") | st.text(),
                "RepositoryDecoration": st.sampled_from(["repoMatches", "repoExcludes"]) | JSON,
                "TagPattern": st.just("v*") | st.text("v*?{},[]/ab-", max_size=9) | JSON,
                "TagDecoration": st.sampled_from(["matches", "excludes"]) | JSON,
            },
            optional={"Disabled": st.booleans() | JSON, "RuleId": JSON},
        )
        | JSON,
        "Page": JSON,
        "PageSize": st.integers(),
    },
)
ACTIONS = st.sampled_from(
    [f"{verb}ImmutableTagRules" for verb in ("Create", "Describe", "Modify", "Delete")] + ["Other"]
)
MANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(ACTIONS, NEARLY_RIGHT | st.dictionaries(NAMES, JSON) | JSON)
def test_any_json(tcr, action, parameters):
    """Whatever JSON is sent, the answer is a result or a documented error."""
    answer = tcr(action, json.dumps(parameters).encode())
    assert "Error" not in answer or answer["Error"]["Code"] in DOCUMENTED


@MANY
@given(ACTIONS, st.binary(max_size=80))
def test_any_body(tcr, action, body):
    """Whatever bytes are sent and signed, the answer is a result or a documented error."""
    answer = tcr(action, body)
    assert "Error" not in answer or answer["Error"]["Code"] in DOCUMENTED


@MANY
@given(ACTIONS, st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60))
def test_any_query(tcr, action, query):
    """Whatever query is sent and signed, the answer is a result or a documented error."""
    answer = tcr.get(action, query.replace("#", ""))
    assert "Error" not in answer or answer["Error"]["Code"] in DOCUMENTED
