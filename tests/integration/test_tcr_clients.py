"""Tencent's own clients, unmodified, against the served application: SDK (POST and GET) and command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.tcr.v20190924 import models
from tencentcloud.tcr.v20190924.tcr_client import TcrClient

from tests.fakes.tc3 import KEY, SECRET, sign
from tests.integration.servers import start_redis
from tests.integration.serving import start_receiver

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings(  # from Python 3.12 on, the SDK's own
        r"ignore:datetime\.datetime\.utcfromtimestamp:DeprecationWarning:tencentcloud.common.abstract_client"
    ),
]

ACCOUNTS = f"""
[accounts.ops]
role = "admin"
access_key = "{KEY}"
secret_key = "{SECRET}"
[accounts.eyes]
role = "viewer"
access_key = "AKIDVIEWER"
secret_key = "another-secret-key"
"""
LATEST = {
    "RepositoryPattern": "**",
    "RepositoryDecoration": "repoMatches",
    "TagPattern": "latest",
    "TagDecoration": "excludes",
}
VERSIONS = LATEST | {"RepositoryPattern": "{api, web/**}", "TagPattern": "v*", "TagDecoration": "matches"}
TEAM = {"RegistryId": "main", "NamespaceName": "team"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The application with an administrator and a viewer."""
    directory = tmp_path_factory.mktemp("tcr")
    redis = start_redis(directory / "redis", appendonly=False)
    receiver = start_receiver(directory, redis.url, ACCOUNTS)
    yield receiver
    receiver.stop()
    redis.stop()


@pytest.fixture(autouse=True)
def _no_rules(served, monkeypatch):
    """Each test begins without a rule, and without a proxy, which the SDK would ask even for 127.0.0.1."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    sdk = Sdk(served.address)
    for rule in sdk("Describe", RegistryId="main").Rules:
        sdk("Delete", RegistryId="main", NamespaceName=rule.NsName, RuleId=rule.RuleId)


class Sdk:
    """The vendor's Python SDK; a call is named by its verb."""

    def __init__(self, address, method="POST", key=KEY, secret=SECRET, **profile):
        http = HttpProfile(protocol="http", endpoint=address, reqMethod=method)
        self._client = TcrClient(Credential(key, secret), "ap-guangzhou", ClientProfile(httpProfile=http, **profile))

    def __call__(self, verb, **parameters):
        name = f"{verb}ImmutableTagRules"
        request = getattr(models, f"{name}Request")()
        request.from_json_string(json.dumps(parameters))
        return getattr(self._client, name)(request)

    def code(self, verb, **parameters):
        """The code of the error that the SDK raises."""
        with pytest.raises(TencentCloudSDKException) as raised:
            self(verb, **parameters)
        assert raised.value.get_request_id()
        assert raised.value.get_message()
        return raised.value.get_code()

    def rules(self):
        return [json.loads(rule.to_json_string()) for rule in self("Describe", RegistryId="main").Rules]


class CommandLine:
    """`tccli`, with a home of its own, where it looks for accounts and plugins."""

    def __init__(self, address, home):
        self._address, self._home = address, home

    def run(self, verb, **parameters):
        """The finished process of one call."""
        arguments = [part for name, value in parameters.items() for part in (f"--{name}", _text(value))]
        whole = [
            Path(sys.executable).with_name("tccli"),
            "tcr",
            f"{verb}ImmutableTagRules",
            *("--endpoint", f"http://{self._address}", "--region", "ap-guangzhou"),
            *("--secretId", KEY, "--secretKey", SECRET),
            *arguments,
        ]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self._home), "LANG": "C.UTF-8"}
        return subprocess.run(
            whole, check=False, env=environment, cwd=self._home, capture_output=True, text=True, timeout=60
        )

    def __call__(self, verb, **parameters):
        """What one call printed, as JSON."""
        done = self.run(verb, **parameters)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


def _text(value):
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_life_of_a_rule_with_the_sdk(served, method):
    """Create, find, change, switch off and on, and delete a rule."""
    sdk = Sdk(served.address, method)
    assert sdk("Create", **TEAM, Rule=LATEST).RequestId
    listed = sdk("Describe", RegistryId="main", Page=1, PageSize=100)
    (rule,) = listed.Rules
    assert (listed.Total, listed.EmptyNs, rule.NsName) == (1, ["library"], "team")
    place = TEAM | {"RuleId": rule.RuleId}
    shown = {"RuleId": rule.RuleId, "NsName": "team"}
    assert sdk.rules() == [LATEST | shown | {"Disabled": False}]
    sdk("Modify", **place, Rule=VERSIONS)
    assert sdk.rules() == [VERSIONS | shown | {"Disabled": False}]
    for disabled in (True, False):
        sdk("Modify", **place, Rule=VERSIONS | {"Disabled": disabled})
        assert sdk.rules() == [VERSIONS | shown | {"Disabled": disabled}]
    sdk("Delete", **place)
    emptied = sdk("Describe", RegistryId="main")
    assert (emptied.Rules, emptied.Total, set(emptied.EmptyNs)) == ([], 0, {"team", "library"})


def test_listed_rule_can_be_sent_back(served):
    """As the vendor's example does: list, change one field, send the whole rule with its id and namespace."""
    sdk = Sdk(served.address)
    sdk("Create", **TEAM, Rule=VERSIONS | {"Disabled": True})
    (rule,) = sdk.rules()
    sdk("Modify", **TEAM, RuleId=rule["RuleId"], Rule=rule | {"Disabled": False})
    assert sdk.rules() == [rule | {"Disabled": False}]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_errors_that_the_sdk_sees(served, method):
    """Every refusal reaches the caller with the vendor's code."""
    sdk = Sdk(served.address, method)
    sdk("Create", **TEAM, Rule=LATEST)
    (rule,) = sdk.rules()
    place = TEAM | {"RuleId": rule["RuleId"]}
    invalid = "InvalidParameter.ErrorTcrInvalidParameter"
    missing = "ResourceNotFound.TcrResourceNotFound"
    assert sdk.code("Create", **TEAM, Rule=LATEST) == "FailedOperation.ErrorTcrResourceConflict"
    assert sdk.code("Create", **TEAM, Rule=VERSIONS) == "FailedOperation.ErrorTcrResourceConflict"
    assert sdk.code("Create", **TEAM) == "MissingParameter"
    assert sdk.code("Create", **TEAM, Rule={"TagPattern": "v*"}) == "MissingParameter"
    assert sdk.code("Create", **TEAM, Rule=LATEST | {"TagPattern": "v[!a]"}) == invalid
    assert sdk.code("Create", **TEAM, Rule=LATEST | {"TagPattern": ""}) == invalid
    assert sdk.code("Create", **TEAM, Rule=LATEST | {"TagDecoration": "repoMatches"}) == invalid
    assert sdk.code("Create", **TEAM, Rule=LATEST | {"Disabled": "perhaps"}) == invalid
    assert sdk.code("Describe", RegistryId="main", PageSize=101) == invalid
    assert sdk.code("Describe", RegistryId="nowhere") == missing
    assert sdk.code("Describe") == "MissingParameter"
    assert sdk.code("Create", RegistryId="main", NamespaceName="unknown", Rule=LATEST) == missing
    assert sdk.code("Modify", **place | {"NamespaceName": "library"}, Rule=LATEST) == missing
    assert sdk.code("Delete", **place | {"RuleId": 4711}) == missing
    assert sdk.code("Delete", **place | {"RuleId": "text"}) == invalid
    assert sdk.rules() == [rule]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_logins_that_fail(served, method):
    """Wrong keys, and what an SDK may be configured to leave out of the signature."""
    address, describe = served.address, {"RegistryId": "main"}
    assert Sdk(address, method, secret="wrong").code("Describe", **describe) == "AuthFailure.SignatureFailure"
    assert Sdk(address, method, key="AKIDNOBODY").code("Describe", **describe) == "AuthFailure.SecretIdNotFound"
    unsigned = Sdk(address, method)
    unsigned._client.profile.unsignedPayload = True
    assert unsigned.code("Describe", **describe) == "AuthFailure.SignatureFailure"
    for older in ("HmacSHA1", "HmacSHA256"):
        sdk = Sdk(address, method, signMethod=older)
        assert sdk.code("Describe", **describe) == "AuthFailure.InvalidAuthorization"


def test_viewer_only_looks(served):
    """A viewer's SDK lists, and is told that it may not do more."""
    viewer = Sdk(served.address, key="AKIDVIEWER", secret="another-secret-key")
    assert viewer.rules() == []
    assert viewer.code("Create", **TEAM, Rule=LATEST) == "UnauthorizedOperation"


def test_unknown_action_and_version(served):
    """Other actions of the same SDK get the code for it."""
    sdk = Sdk(served.address)
    with pytest.raises(TencentCloudSDKException) as raised:
        sdk._client.DescribeInstances(models.DescribeInstancesRequest())
    assert raised.value.get_code() == "InvalidAction"
    sdk._client._apiVersion = "2017-03-12"
    assert sdk.code("Describe", RegistryId="main") == "NoSuchVersion"


def test_command_line(served, tmp_path):
    """Create, list, change, switch off and delete a rule with `tccli`, and see its errors."""
    tccli = CommandLine(served.address, tmp_path)
    assert "Error" not in tccli("Create", **TEAM, Rule=LATEST)
    (rule,) = tccli("Describe", RegistryId="main", Page=1, PageSize=10)["Rules"]
    assert rule == LATEST | {"RuleId": rule["RuleId"], "NsName": "team", "Disabled": False}
    place = TEAM | {"RuleId": rule["RuleId"]}
    tccli("Modify", **place, Rule=VERSIONS)
    tccli("Modify", **place, Rule=VERSIONS | {"Disabled": True})
    listed = tccli("Describe", RegistryId="main")
    assert listed["Rules"] == [VERSIONS | {"RuleId": rule["RuleId"], "NsName": "team", "Disabled": True}]
    refused = tccli.run("Create", **TEAM, Rule=LATEST)
    assert refused.returncode != 0
    assert "FailedOperation.ErrorTcrResourceConflict" in refused.stdout + refused.stderr
    tccli("Delete", **place)
    assert tccli("Describe", RegistryId="main")["Rules"] == []


def test_long_bodies(served):
    """5 MiB get an answer in the vendor's form, sent at once or in chunks; 1 MiB is read."""
    big = b" " * (5 << 20)
    called = {"X-TC-Action": "DescribeImmutableTagRules", "X-TC-Version": "2019-09-24"}
    for body in (big, iter([big[: 1 << 20]] * 5)):
        answer = requests.post(f"{served.url}/", data=body, headers=called, timeout=30)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        assert answer.json()["Response"]["Error"]["Code"] == "RequestSizeLimitExceeded"
    padded = b'{"RegistryId": "main"}'.ljust(1 << 20)
    headers = sign("POST", body=padded, host=served.address) | called
    answer = requests.post(f"{served.url}/", data=padded, headers=headers, timeout=30)
    assert answer.json()["Response"]["Total"] == 0


def test_path_without_slash_and_double_slash(served):
    """Nothing at this address redirects."""
    for path in ("", "/", "//", "/?", "/?Action=DescribeImmutableTagRules"):
        answer = requests.post(f"{served.url}{path}", data=b"{}", timeout=10, allow_redirects=False)
        assert answer.status_code in (200, 404)
        assert answer.headers["Content-Type"].startswith("application/json")
