"""What Terraform's providers for Huawei Cloud and Harbor send, in their order, and what they insist on in return.

The providers are Go programs; here each of their calls is plain HTTP. After each apply the state that the provider
would read is held against the configuration: a difference would come up again in every plan.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from tests.fakes.sdk_hmac import KEY, SECRET, sign
from tests.integration.servers import start_redis
from tests.integration.serving import start_receiver

pytestmark = pytest.mark.integration

ACCOUNTS = f"""
[accounts.ops]
role = "admin"
password = "password-of-ops"
access_key = "{KEY}"
secret_key = "{SECRET}"
token = "token-of-ops"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The application with an administrator and plenty of room in each namespace."""
    directory = tmp_path_factory.mktemp("terraform")
    redis = start_redis(directory / "redis", appendonly=False)
    receiver = start_receiver(directory, redis.url, ACCOUNTS, top="policies_per_namespace = 200")
    yield receiver
    receiver.stop()
    redis.stop()


class HuaweiProvider:
    """The resource `huaweicloud_swr_enterprise_immutable_tag_rule`; its configuration is a dictionary."""

    def __init__(self, served, token=""):
        self._served = served
        self._token = token

    def create(self, namespace, config):
        answer = self._send("POST", f"/namespaces/{namespace}/immutabletagrules", self._body(config))
        assert answer.status_code in (200, 201, 202)
        number = answer.json()["id"]
        assert isinstance(number, int)
        return f"main/{namespace}/{number}"

    def read(self, rule_id):
        """The state: the first rule whose namespace and number fit, on pages of 100 until one is empty."""
        _, namespace, number = rule_id.split("/")
        offset = 0
        while True:
            answer = self._send("GET", "/immutabletagrules", query=[("limit", "100"), ("offset", str(offset))])
            assert answer.status_code == 200
            rules = answer.json()["immutable_rules"]
            if not rules:
                return None
            for rule in rules:
                if rule["namespace_name"] == namespace and rule["id"] == json.loads(number):
                    return rule
            offset += 100

    def update(self, rule_id, config):
        _, namespace, number = rule_id.split("/")
        path = f"/namespaces/{namespace}/immutabletagrules/{number}"
        assert self._send("PUT", path, self._body(config)).status_code in (200, 201, 202)

    def delete(self, rule_id):
        """Remove the rule; whether it was still there."""
        _, namespace, number = rule_id.split("/")
        answer = self._send("DELETE", f"/namespaces/{namespace}/immutabletagrules/{number}")
        assert answer.status_code in (200, 202, 204, 404)
        return answer.status_code != 404

    def drift(self, rule_id, config):
        """What a plan would change: a field that is not computed must read as nothing where nothing was said."""
        state = self.read(rule_id)
        wanted = {"disabled": False, "action": "", "template": "", **self._body(config)}
        wanted.pop("priority", None)
        assert isinstance(state["namespace_id"], int)
        return {name: (state[name], value) for name, value in wanted.items() if state[name] != value}

    @staticmethod
    def _body(config: dict[str, Any]) -> dict[str, Any]:
        """As the provider builds it: zero and empty values left out but for `disabled`, `extras` always there."""
        selectors = {
            "tag_selectors": [{"extras": "", **config["tags"]}],
            "scope_selectors": {"repository": [{"extras": "", **config["repositories"]}]},
        }
        others = {name: config[name] for name in ("priority", "action", "template") if config.get(name)}
        return selectors | others | {"disabled": config.get("disabled", False)}

    def _send(self, method, path, body=None, query=()):
        """A request as Go's client signs it: without `host`, and without a content type where there is no body."""
        path = f"/v2/p1/instances/main{path}"
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "User-Agent": "golangsdk/2.0"}
        if method != "DELETE":
            headers["Content-Type"] = "application/json"
        if self._token:
            headers["X-Auth-Token"] = self._token
        else:
            names = sorted({name.lower() for name in headers} | {"x-sdk-date"})
            headers = sign(method, path, query, data, headers=headers, signed=names)
            del headers["Host"]
        url = self._served.url + path
        return requests.request(
            method, url, params=query, data=data, headers=headers, timeout=10, allow_redirects=False
        )


def selector(decoration, pattern="**"):
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern}


FULL = {
    "tags": selector("matches"),
    "repositories": selector("repoMatches"),
    "priority": 0,
    "action": "immutable",
    "template": "immutable_template",
    "disabled": False,
}
SHORT = {"tags": selector("excludes", "latest"), "repositories": selector("repoExcludes", "{tmp, scratch/**}")}


@pytest.mark.parametrize("token", ["", "token-of-ops"], ids=["signature", "token"])
@pytest.mark.parametrize(
    "config", [FULL, SHORT, FULL | {"tags": selector("repoMatches", "v*")}], ids=["full", "short", "word"]
)
def test_huawei(served, config, token):
    """Create, disable, change, enable, import, destroy: after each, a plan finds nothing to do."""
    provider = HuaweiProvider(served, token)
    rule_id = provider.create("library", config)
    assert provider.drift(rule_id, config) == {}
    for changed in (
        config | {"disabled": True},
        config | {"disabled": True, "tags": selector("matches", "v*"), "priority": 3},
        config | {"disabled": False},
    ):
        provider.update(rule_id, changed)
        assert provider.drift(rule_id, changed) == {}
    assert provider.delete(rule_id)
    assert provider.read(rule_id) is None
    assert not provider.delete(rule_id)


def test_huawei_far_behind(served):
    """A rule on the second page of 100 is found, and one that is gone ends the search."""
    provider = HuaweiProvider(served)
    ids = [provider.create("team", SHORT | {"tags": selector("matches", f"v{number}")}) for number in range(101)]
    assert provider.read(ids[-1])["tag_selectors"][0]["pattern"] == "v100"
    assert provider.read("main/team/999999") is None
    for rule_id in ids:
        assert provider.delete(rule_id)


class HarborProvider:
    """The resource `harbor_immutable_tag_rule`: its id is a path, and its project's `/projects/<number>`."""

    def __init__(self, served):
        self._base = f"{served.url}/api/v2.0"

    def project(self, name):
        """The path of a project, as the data source `harbor_project` finds it."""
        found = self._send("GET", f"/projects?name={name}", 200).json()
        return next(f"/projects/{project['project_id']}" for project in found if project["name"] == name)

    def create(self, project, config):
        """POST, and where the rule is to be disabled a PUT, since Harbor ignores that at first."""
        answer = self._send("POST", f"{project}/immutabletagrules", 201, self._body(0, config))
        location = answer.headers["Location"]
        assert location.startswith("/api/v2.0/")
        rule_id = location.removeprefix("/api/v2.0")
        if config["disabled"]:
            self.update(rule_id, config)
        return rule_id

    def read(self, rule_id):
        """The state, from pages of 15 until a short one."""
        place, _, number = rule_id.rpartition("/")
        page = 1
        while True:
            rules = self._send("GET", f"{place}?page={page}&page_size=15", 200).json()
            for rule in rules:
                if rule["id"] == int(number):
                    return rule
            if len(rules) < 15:
                return None
            page += 1

    def update(self, rule_id, config):
        self._send("PUT", rule_id, 200, self._body(int(rule_id.rpartition("/")[2]), config))

    def delete(self, rule_id):
        self._send("DELETE", rule_id, 200)

    def drift(self, rule_id, config):
        """What a plan would change; the provider takes the first selector without asking if there is one."""
        state = self.read(rule_id)
        read = {
            "disabled": state.get("disabled", False),
            "tags": state["tag_selectors"][0],
            "repositories": state["scope_selectors"]["repository"][0],
        }
        return {
            name: (read[name], config[name])
            for name in read
            if (read[name] if name == "disabled" else {k: read[name][k] for k in config[name]}) != config[name]
        }

    @staticmethod
    def _body(number, config):
        return {
            "id": number,
            "disabled": config["disabled"],
            "action": "immutable",
            "template": "immutable_template",
            "tag_selectors": [config["tags"]],
            "scope_selectors": {"repository": [config["repositories"]]},
        }

    def _send(self, method, path, expected, body=None):
        auth = ("ops", "password-of-ops")
        url = self._base + path
        answer = requests.request(  # Go's encoder writes null where there is no body, for GET and DELETE too
            method, url, data=f"{json.dumps(body)}\n", auth=auth, timeout=10, allow_redirects=False
        )
        assert answer.status_code == expected, answer.text
        return answer


@pytest.mark.parametrize("disabled", [False, True])
def test_harbor(served, disabled):
    """Create, change, switch, import, destroy: after each, a plan finds nothing to do."""
    provider = HarborProvider(served)
    config = {"tags": selector("matches", "v*"), "repositories": selector("repoMatches"), "disabled": disabled}
    rule_id = provider.create(provider.project("library"), config)
    assert provider.drift(rule_id, config) == {}
    for changed in (
        config | {"tags": selector("excludes", "latest")},
        config | {"disabled": not disabled},
        config | {"disabled": disabled, "repositories": selector("repoExcludes", "tmp/**")},
    ):
        provider.update(rule_id, changed)
        assert provider.drift(rule_id, changed) == {}
    provider.delete(rule_id)
    assert provider.read(rule_id) is None


def test_harbor_far_behind(served):
    """A rule on the second page of 15 is found, also when that page is the last and full."""
    provider = HarborProvider(served)
    project = provider.project("team")
    made = {"repositories": selector("repoMatches"), "disabled": False}
    ids = [provider.create(project, made | {"tags": selector("matches", f"v{number}")}) for number in range(30)]
    assert provider.read(ids[-1])["tag_selectors"][0]["pattern"] == "v29"
    assert provider.read(f"{project}/immutabletagrules/999999") is None
    for rule_id in ids:
        provider.delete(rule_id)
