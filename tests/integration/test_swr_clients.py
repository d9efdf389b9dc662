"""Huawei's own Python SDK, unmodified, against the served application, and the samples of its documentation.

`tests/data/swr_samples` are programs of the form that the vendor's API explorer writes for each call. They run as they
stand, with a value for each placeholder, and the endpoint by the SDK's own variable.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fakes.sdk_hmac import KEY, SECRET
from tests.integration.servers import start_redis
from tests.integration.serving import start_receiver

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings(  # from Python 3.12 on, the SDK's own
        r"ignore:datetime\.datetime\.utcnow:DeprecationWarning:huaweicloudsdkcore"
    ),
]

SAMPLES = Path(__file__).parents[1] / "data" / "swr_samples"

ACCOUNTS = f"""
[accounts.ops]
role = "admin"
access_key = "{KEY}"
secret_key = "{SECRET}"
token = "token-of-ops"
projects = ["p1"]
[accounts.eyes]
role = "viewer"
access_key = "AKVIEWER"
secret_key = "secret-key-of-the-viewer"
"""
INVALID, DENIED, CONFLICT = "SVCSTG.SWR.4000014", "SVCSTG.SWR.4030170", "SVCSTG.SWR.4090001"
NO_INSTANCE, NO_NAMESPACE, NO_RULE = (f"SVCSTG.SWR.404000{number}" for number in (1, 2, 3))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The application with an administrator of project p1 and a viewer."""
    directory = tmp_path_factory.mktemp("swr")
    redis = start_redis(directory / "redis", appendonly=False)
    receiver = start_receiver(directory, redis.url, ACCOUNTS)
    yield receiver
    receiver.stop()
    redis.stop()


@pytest.fixture(scope="module")
def v2(tmp_path_factory):
    """The SDK, imported where it may write to the home directory."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            patch.delenv(name, raising=False)
        yield importlib.import_module("huaweicloudsdkswr.v2")


class Sdk:
    """The SDK's client; a call is named as the SDK names it."""

    def __init__(self, v2, served, key=KEY, secret=SECRET, project="p1", instance="main"):
        credentials = importlib.import_module("huaweicloudsdkcore.auth.credentials").BasicCredentials(
            key, secret, project
        )
        self.v2, self.instance = v2, instance
        builder = v2.SwrClient.new_builder().with_credentials(credentials).with_endpoint(served.url)
        self.client = builder.build()

    def __call__(self, verb, *, headers=None, **parameters):
        plural = "s" if verb == "list" else ""
        request = getattr(self.v2, f"{verb.title()}ImmutableRule{plural}Request")(self.instance, **parameters)
        invoker = getattr(self.client, f"{verb}_immutable_rule{plural}_invoker")(request)
        for name, value in (headers or {}).items():
            invoker.add_header(name, value)
        return invoker.invoke()

    def refusal(self, verb, **parameters):
        """The exception that the SDK raises: status and code, all that it can read being there."""
        exceptions = importlib.import_module("huaweicloudsdkcore.exceptions.exceptions")
        with pytest.raises(exceptions.ClientRequestException) as raised:
            self(verb, **parameters)
        assert raised.value.request_id
        assert raised.value.error_msg
        return raised.value.status_code, raised.value.error_code

    def body(self, tags="**", kind="Create", **fields):
        """The body of create and update."""
        selector = self.v2.RuleSelector
        return getattr(self.v2, f"{kind}ImmutableRuleBody")(
            tag_selectors=[selector("doublestar", "matches", tags)],
            scope_selectors={"repository": [selector("doublestar", "repoMatches", "**")]},
            **fields,
        )

    def create(self, namespace="library", body=None):
        """Create a rule; returns its id."""
        return self("create", namespace_name=namespace, body=body or self.body()).id


@pytest.fixture
def sdk(v2, served):
    """The administrator's client, without a rule to begin with."""
    sdk = Sdk(v2, served)
    for rule in sdk("list").immutable_rules:
        sdk("delete", namespace_name=rule.namespace_name, immutable_rule_id=rule.id)
    return sdk


def test_create_list_update_switch_delete(sdk):
    """A rule's whole life, as the SDK sees it."""
    created = sdk("create", namespace_name="library", body=sdk.body("v*", priority=1, action="immutable"))
    assert created.status_code == 201
    listed = sdk("list")
    assert listed.total == 1
    (rule,) = listed.immutable_rules
    assert (rule.id, rule.namespace_name, rule.priority, rule.disabled) == (created.id, "library", 1, False)
    assert (rule.action, rule.tag_selectors[0].pattern, rule.tag_selectors[0].kind) == ("immutable", "v*", "doublestar")
    assert rule.scope_selectors["repository"][0].decoration == "repoMatches"
    place = {"namespace_name": "library", "immutable_rule_id": rule.id}
    for disabled in (True, False):
        updated = sdk("update", **place, body=sdk.body("w*", "Update", disabled=disabled))
        assert updated.status_code == 200
        (rule,) = sdk("list", namespace_id=rule.namespace_id).immutable_rules
        assert (rule.disabled, rule.tag_selectors[0].pattern, rule.priority) == (disabled, "w*", 0)
    assert sdk("delete", **place).status_code == 204
    assert sdk("list").immutable_rules == []


def test_pages(sdk):
    """The SDK pages by offset and limit, and finds a page past the end empty."""
    ids = [sdk.create(namespace) for namespace in ("library", "team")]
    assert [sdk("list", offset=at, limit=1).immutable_rules[0].id for at in (0, 1)] == ids
    past = sdk("list", offset=2, limit=1)
    assert (past.immutable_rules, past.total) == ([], 2)
    assert sdk("list", namespace_id=0).total == 0


def test_namespaces(sdk):
    """The SDK's calls for namespaces give the numbers that rules carry."""
    listed = sdk.client.list_instance_namespaces(sdk.v2.ListInstanceNamespacesRequest("main"))
    assert [one.name for one in listed.namespaces] == ["library", "team"]
    shown = sdk.client.show_instance_namespace(sdk.v2.ShowInstanceNamespaceRequest("main", "team"))
    assert shown.namespace_id == listed.namespaces[1].namespace_id
    sdk.create("team")
    assert sdk("list").immutable_rules[0].namespace_id == shown.namespace_id


def test_refusals(sdk):
    """Every error comes through with status, code, message and the id of its request."""
    rule = {"namespace_name": "library", "immutable_rule_id": sdk.create()}
    for expected, verb, parameters in (
        ((409, CONFLICT), "create", {"namespace_name": "library", "body": sdk.body()}),
        ((404, NO_NAMESPACE), "create", {"namespace_name": "nobody", "body": sdk.body()}),
        ((400, INVALID), "create", {"namespace_name": "team", "body": None}),
        ((400, INVALID), "create", {"namespace_name": "team", "body": sdk.body("v!")}),
        ((400, INVALID), "create", {"namespace_name": "team", "body": sdk.body(disabled="false")}),
        ((400, INVALID), "create", {"namespace_name": "team", "body": sdk.v2.CreateImmutableRuleBody()}),
        ((400, INVALID), "update", rule | {"body": sdk.body("", "Update")}),
        ((404, NO_RULE), "update", rule | {"immutable_rule_id": 4711, "body": sdk.body(kind="Update")}),
        ((404, NO_RULE), "update", rule | {"namespace_name": "team", "body": sdk.body(kind="Update")}),
        ((404, NO_RULE), "delete", rule | {"immutable_rule_id": 4711}),
        ((400, INVALID), "list", {"offset": 5, "limit": 10}),
        ((400, INVALID), "list", {"limit": 101}),
    ):
        assert sdk.refusal(verb, **parameters) == expected, (verb, parameters)


def test_path_without_its_values(v2, served, sdk):
    """A path whose placeholders were never filled in is something that is not there."""
    lost = Sdk(v2, served, instance=None)
    assert lost.refusal("list") == (404, NO_INSTANCE)
    assert sdk.refusal("create", body=sdk.body()) == (404, NO_NAMESPACE)


@pytest.mark.parametrize(
    ("who", "verb", "expected"),
    [
        ({"key": "AKNOBODY"}, "list", (401, "APIGW.0301")),
        ({"secret": "another"}, "list", (401, "APIGW.0301")),
        ({"project": "p2"}, "list", (403, DENIED)),
        ({"key": "AKVIEWER", "secret": "secret-key-of-the-viewer"}, "create", (403, DENIED)),
    ],
)
def test_who_may(v2, served, who, verb, expected):
    """Wrong keys, projects of others and viewers are refused, each in its way."""
    other = Sdk(v2, served, **who)
    parameters = {"namespace_name": "library", "body": other.body()} if verb == "create" else {}
    assert other.refusal(verb, **parameters) == expected


def test_viewer_reads(v2, served, sdk):
    """A viewer sees the rules, of any project."""
    sdk.create()
    assert Sdk(v2, served, "AKVIEWER", "secret-key-of-the-viewer", "p9")("list").total == 1


def test_token_and_signature(v2, served, sdk):
    """With a token beside a signature the signature counts; alone, as the SDK sends it on demand, the token."""
    assert sdk("list", headers={"X-Auth-Token": "token-of-nobody"}).total == 0
    stranger = Sdk(v2, served, "AKNOBODY", "none")
    assert stranger.refusal("list", headers={"X-Auth-Token": "token-of-ops"}) == (401, "APIGW.0301")
    stranger.client.preset_headers.update({"X-Auth-Token": "token-of-ops", "Authorization": None})
    assert stranger("list").total == 0


@pytest.mark.parametrize("minutes", [-16, 16])
def test_stale_signature(sdk, minutes):
    """A request that was signed 16 minutes ago, or will be, is refused; the SDK signs the date that it is given."""
    date = datetime.now(UTC) + timedelta(minutes=minutes)
    headers = {"X-Sdk-Date": date.strftime("%Y%m%dT%H%M%SZ")}
    assert sdk.refusal("list", headers=headers) == (401, "APIGW.0301")


def test_unsigned_payload(sdk):
    """The SDK leaves the body of other types than JSON unsigned; that is refused."""
    parameters = {"namespace_name": "library", "body": sdk.body(), "headers": {"Content-Type": "text/plain"}}
    assert sdk.refusal("create", **parameters) == (401, "APIGW.0301")


def run_sample(served, home, name, **values):
    """Run a sample with values for its placeholders; returns what it prints, which is JSON unless it failed."""
    text = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").replace("<YOUR REGION>", "cn-north-4")
    for placeholder, value in values.items():
        text = text.replace(f"{{{placeholder}}}", str(value))
    program = home / f"{name}.py"
    program.write_text(text, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "CLOUD_SDK_AK": KEY,
        "CLOUD_SDK_SK": SECRET,
        "HUAWEICLOUD_SDK_REGION_SWR_CN_NORTH_4": served.url,
    }
    done = subprocess.run(
        [sys.executable, program], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def test_samples_of_the_documentation(served, sdk, tmp_path):
    """Each sample runs with nothing changed but its placeholders, and does what it says."""
    place = {"project_id": "p1", "instance_id": "main", "namespace_name": "library"}
    rule_id = json.loads(run_sample(served, tmp_path, "CreateImmutableRule", **place))["id"]
    place["immutable_rule_id"] = rule_id
    (rule,) = sdk("list").immutable_rules
    assert (rule.id, rule.disabled) == (rule_id, False)
    place["namespace_id"] = rule.namespace_id
    run_sample(served, tmp_path, "UpdateImmutableRule", **place)
    listed = json.loads(run_sample(served, tmp_path, "ListImmutableRules", **place))
    assert (listed["total"], listed["immutable_rules"][0]["disabled"]) == (1, True)
    run_sample(served, tmp_path, "DeleteImmutableRule", **place)
    assert sdk("list").total == 0
    status, request_id, code, text = run_sample(served, tmp_path, "DeleteImmutableRule", **place).splitlines()
    assert (status, code) == ("404", NO_RULE)
    assert request_id
    assert text
