"""One client for each dialect of the policy API, in plain HTTP, all with the same methods."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import requests

from tests.fakes.tc3 import KEY, SECRET, sign

TOKEN = "a-token-of-an-account"
PASSWORD = "a-password-of-an-account"

ACCOUNTS = f"""
[accounts.ops]
role = "admin"
token = "{TOKEN}"
password = "{PASSWORD}"
access_key = "{KEY}"
secret_key = "{SECRET}"
"""


@dataclass(frozen=True, order=True)
class Rule:
    """A policy of the registry `main`, as all dialects show it; a selector is a decoration and a pattern."""

    namespace: str
    repositories: tuple[str, str]
    tags: tuple[str, str]
    disabled: bool = False
    id: int = 0


class Refused(AssertionError):
    """An answer other than the dialect's for success; `is_conflict` if the namespace already has a rule."""

    def __init__(self, text: str, *, is_conflict: bool) -> None:
        super().__init__(text)
        self.is_conflict = is_conflict


class Dialect(ABC):
    """A client of the application at that address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy for 127.0.0.1, no login from a file
        self.log_in()

    def send(self, method: str, path: str, status: int, body: Any = None, **options: Any) -> Any:
        """Send JSON, and return the JSON of the answer, None where there is none. Raises `Refused`."""
        answer = self.session.request(
            method, f"{self.url}{path}", json=body, timeout=10, allow_redirects=False, **options
        )
        if answer.status_code != status:
            text = f"{method} {path}: {answer.status_code} {answer.text}"
            raise Refused(text, is_conflict=answer.status_code == 409)
        return answer.json() if answer.content else None

    @abstractmethod
    def log_in(self) -> None:
        """Give the session what proves the account."""

    @abstractmethod
    def create(self, rule: Rule) -> None: ...

    @abstractmethod
    def rules(self, namespace: str) -> list[Rule]: ...

    @abstractmethod
    def change(self, rule: Rule) -> None: ...

    @abstractmethod
    def delete(self, rule: Rule) -> None: ...


class Swr(Dialect):
    _BASE = "/v2/p1/instances/main"

    def log_in(self) -> None:
        self.session.headers["X-Auth-Token"] = TOKEN

    def create(self, rule: Rule) -> None:
        self.send("POST", f"{self._BASE}/namespaces/{rule.namespace}/immutabletagrules", 201, _body(rule))

    def rules(self, namespace: str) -> list[Rule]:
        found = self.send("GET", f"{self._BASE}/immutabletagrules?limit=100&offset=0", 200)
        listed = [one for one in found["immutable_rules"] if one["namespace_name"] == namespace]
        return [_rule(namespace, one) for one in listed]

    def change(self, rule: Rule) -> None:
        self.send("PUT", self._path(rule), 200, _body(rule))

    def delete(self, rule: Rule) -> None:
        self.send("DELETE", self._path(rule), 204)

    def _path(self, rule: Rule) -> str:
        return f"{self._BASE}/namespaces/{rule.namespace}/immutabletagrules/{rule.id}"


class Harbor(Dialect):
    def log_in(self) -> None:
        self.session.auth = ("ops", PASSWORD)

    def create(self, rule: Rule) -> None:
        self.send("POST", self._path(rule.namespace), 201, _body(rule))

    def rules(self, namespace: str) -> list[Rule]:
        return [_rule(namespace, one) for one in self.send("GET", self._path(namespace), 200)]

    def change(self, rule: Rule) -> None:
        self.send("PUT", f"{self._path(rule.namespace)}/{rule.id}", 200, _body(rule) | {"id": rule.id})

    def delete(self, rule: Rule) -> None:
        self.send("DELETE", f"{self._path(rule.namespace)}/{rule.id}", 200)

    @staticmethod
    def _path(namespace: str) -> str:
        return f"/api/v2.0/projects/{namespace}/immutabletagrules"


class Tcr(Dialect):
    def log_in(self) -> None:
        """Every request is signed."""

    def create(self, rule: Rule) -> None:
        self._call("Create", NamespaceName=rule.namespace, Rule=self._rule(rule))

    def rules(self, namespace: str) -> list[Rule]:
        return [
            Rule(
                namespace,
                (one["RepositoryDecoration"], one["RepositoryPattern"]),
                (one["TagDecoration"], one["TagPattern"]),
                one["Disabled"],
                one["RuleId"],
            )
            for one in self._call("Describe")["Rules"]
            if one["NsName"] == namespace
        ]

    def change(self, rule: Rule) -> None:
        self._call("Modify", NamespaceName=rule.namespace, RuleId=rule.id, Rule=self._rule(rule))

    def delete(self, rule: Rule) -> None:
        self._call("Delete", NamespaceName=rule.namespace, RuleId=rule.id)

    def _call(self, verb: str, **parameters: Any) -> Any:
        body = json.dumps({"RegistryId": "main", **parameters}).encode()
        headers = sign("POST", body=body, host=self.url.removeprefix("http://"))
        headers |= {"X-TC-Action": f"{verb}ImmutableTagRules", "X-TC-Version": "2019-09-24"}
        content = self.send("POST", "/", 200, data=body, headers=headers)["Response"]
        if "Error" in content:
            code = content["Error"]["Code"]
            raise Refused(str(content), is_conflict=code == "FailedOperation.ErrorTcrResourceConflict")
        return content

    @staticmethod
    def _rule(rule: Rule) -> dict[str, Any]:
        return {
            "RepositoryDecoration": rule.repositories[0],
            "RepositoryPattern": rule.repositories[1],
            "TagDecoration": rule.tags[0],
            "TagPattern": rule.tags[1],
            "Disabled": rule.disabled,
        }


class Native(Dialect):
    _PATH = "/api/v1/policies"

    def log_in(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {TOKEN}"

    def create(self, rule: Rule) -> None:
        place = {"registry": "main", "namespace": rule.namespace}
        self.send("POST", self._PATH, 201, place | self._fields(rule))

    def rules(self, namespace: str) -> list[Rule]:
        found = self.send("GET", f"{self._PATH}?registry=main&namespace={namespace}", 200)
        return [
            Rule(
                one["namespace"],
                (one["repositories"]["decoration"], one["repositories"]["pattern"]),
                (one["tags"]["decoration"], one["tags"]["pattern"]),
                one["disabled"],
                one["id"],
            )
            for one in found["items"]
        ]

    def change(self, rule: Rule) -> None:
        self.send("PATCH", f"{self._PATH}/{rule.id}", 200, self._fields(rule))

    def delete(self, rule: Rule) -> None:
        self.send("DELETE", f"{self._PATH}/{rule.id}", 204)

    @staticmethod
    def _fields(rule: Rule) -> dict[str, Any]:
        keys = ("decoration", "pattern")
        selectors = {"repositories": rule.repositories, "tags": rule.tags}
        named = {name: dict(zip(keys, selector, strict=True)) for name, selector in selectors.items()}
        return named | {"disabled": rule.disabled}


DIALECTS = (Swr, Harbor, Tcr, Native)


def _body(rule: Rule) -> dict[str, Any]:
    """A rule as SWR and Harbor have it."""
    return {
        "disabled": rule.disabled,
        "action": "immutable",
        "template": "immutable_template",
        "tag_selectors": [_selector(*rule.tags)],
        "scope_selectors": {"repository": [_selector(*rule.repositories)]},
    }


def _selector(decoration: str, pattern: str) -> dict[str, str]:
    return {"kind": "doublestar", "decoration": decoration, "pattern": pattern}


def _rule(namespace: str, body: dict[str, Any]) -> Rule:
    (repositories,), (tags,) = body["scope_selectors"]["repository"], body["tag_selectors"]
    shown = [(selector["decoration"], selector["pattern"]) for selector in (repositories, tags)]
    return Rule(namespace, *shown, disabled=body.get("disabled", False), id=body["id"])
