"""The native API of the served application, and the command line on the same store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import requests

from tests.fakes.native import draft
from tests.integration.serving import start_receiver

pytestmark = pytest.mark.integration

ACCOUNTS = """
[accounts.ops]
role = "admin"
token = "token-of-ops"
"""
CLIENTS = 6


@pytest.fixture
def receiver(tmp_path, redis_server):
    """The served application."""
    receiver = start_receiver(tmp_path, redis_server.url, ACCOUNTS)
    yield receiver
    receiver.stop()


@pytest.fixture
def call(receiver):
    """Calls of the administrator, each on a connection of its own."""

    def call(method, path, **more):
        headers = {"Authorization": "Bearer token-of-ops"} | more.pop("headers", {})
        return requests.request(method, f"{receiver.url}/api/v1{path}", headers=headers, timeout=20, **more)

    return call


def at_once(act):
    """What each of several clients gets that do the same at the same time."""
    barrier = Barrier(CLIENTS)

    def run(number):
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(run, range(CLIENTS)))


def test_one_of_many_wins(call):
    """Of clients that change one revision at the same time, one succeeds; the others are told that they are late."""
    call("POST", "/policies", json=draft())

    def change(number):
        return call("PATCH", "/policies/1", json={"comment": f"client {number}"}, headers={"If-Match": '"1"'})

    answers = at_once(change)
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * (CLIENTS - 1)
    assert call("GET", "/policies/1").json() == won[0]
    assert won[0]["revision"] == 2


def test_no_change_is_lost(call):
    """Clients that read, change and try again when they came too late all find their change in the policy."""
    call("POST", "/policies", json=draft())

    def add(number):
        for _ in range(100):
            read = call("GET", "/policies/1")
            actors = [*read.json()["bypass_actors"], f"client-{number}"]
            headers = {"If-Match": read.headers["ETag"]}
            answer = call("PATCH", "/policies/1", json={"bypass_actors": actors}, headers=headers)
            if answer.status_code == 200:
                return
            assert answer.status_code == 412
        raise AssertionError("never succeeded")

    at_once(add)
    found = call("GET", "/policies/1").json()
    assert sorted(found["bypass_actors"]) == [f"client-{number}" for number in range(CLIENTS)]
    assert found["revision"] == 1 + CLIENTS


def test_changes_of_different_fields_all_count(call):
    """Clients that change different fields, without looking at revisions, do not undo each other's changes."""
    call("POST", "/policies", json=draft())
    changes = [{"comment": "why"}, {"settle": 7}, {"mode": "observe"}, {"priority": 3}, {"signature_tags": True}]
    changes.append({"tags": {"decoration": "excludes"}})
    answers = at_once(lambda number: call("PATCH", "/policies/1", json=changes[number]))
    assert {answer.status_code for answer in answers} == {200}
    found = call("GET", "/policies/1").json()
    assert found["tags"] == {"decoration": "excludes", "pattern": "v*"}
    assert [found[name] for change in changes[:-1] for name in change] == ["why", 7, "observe", 3, True]
    assert found["revision"] == 1 + CLIENTS


def test_one_policy_for_one_place(call):
    """Of clients that create a policy in a namespace with room for one, one succeeds."""
    answers = at_once(lambda number: call("POST", "/policies", json=draft(tags={"pattern": f"v{number}"})))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * (CLIENTS - 1)
    assert call("GET", "/policies").json()["total"] == 1


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_5_mib(call, chunked):
    """The sender of a body that is far too long gets to see why it was refused."""
    body = b" " * (5 * 1024 * 1024)
    headers = {"Content-Type": "application/json"}
    answer = call("POST", "/policies", data=iter([body]) if chunked else body, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_the_command_line_changes_what_the_api_shows(call, tmp_path):
    """A policy that is made on the command line is there for the API at once, and the other way round."""

    def enforcer(*arguments):
        command = [sys.executable, "-m", "enforcer", "policy", *arguments, "--json"]
        environment = os.environ | {"LOGNAME": "joan"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True, timeout=60)
        return json.loads(done.stdout)

    made = enforcer("create", "--namespace", "team", "--tags", "v*")
    assert call("GET", "/policies/1").json()["effective_since"] == made["effective_since"]
    call("PATCH", "/policies/1", json={"disabled": True})
    assert enforcer("show", "1")["disabled"] is True
    assert [entry["by"] for entry in call("GET", "/audit").json()["items"]] == ["ops", "cli:joan"]
