from __future__ import annotations

import json

import pytest

from enforcer.web.body import LIMIT
from tests.fakes.native import draft, problem


def post(call, body: str | bytes, content_type: str | None = "application/json"):
    return call("POST", "/policies", data=body, content_type=content_type)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("", "is no JSON: EOF"),
        ("nonsense", "is no JSON: "),
        (b"\xff", "is no JSON: "),
        ('{"a": NaN}', "is no JSON: "),
        ('{"a": "\\ud800"}', "is no JSON: "),
        ("[" * 100_000, "is no JSON: recursion"),
        ("null", "should be an object"),
        ("[]", "should be an object"),
        ('"text"', "should be an object"),
        ("1e400", "should be an object"),
    ],
)
def test_a_body_that_is_no_object(call, body, detail):
    """What is not a JSON object is refused with what it is instead."""
    found = problem(post(call, body), 400)
    assert found["detail"].startswith(detail)
    assert found["errors"][0]["pointer"] == "#"


@pytest.mark.parametrize(
    ("changes", "pointer", "detail"),
    [
        ({"registry": None}, "#/registry", "should be a string"),
        ({"registry": "A"}, "#/registry", "'A' is no registry name"),
        ({"namespace": "a/b"}, "#/namespace", "'a/b' is no namespace"),
        ({"tags": "v*"}, "#/tags", "should be an object"),
        ({"tags": {}}, "#/tags/pattern", "is missing"),
        ({"tags": {"pattern": "[!a]"}}, "#/tags/pattern", "unexpected '!' at 1 (use [^...])"),
        ({"tags": {"pattern": ["a", "b}"]}}, "#/tags/pattern", "in 'b}': '}' outside braces"),
        ({"tags": {"pattern": []}}, "#/tags/pattern", "is empty"),
        ({"tags": {"pattern": "v" * 513}}, "#/tags/pattern", "longer than 512 characters"),
        ({"tags": {"pattern": "v*", "decoration": "repoMatches"}}, "#/tags/decoration", "should be 'matches' or"),
        ({"repositories": {"decoration": "matches"}}, "#/repositories/decoration", "should be 'repoMatches' or"),
        ({"disabled": "false"}, "#/disabled", "should be true or false"),
        ({"disabled": 0}, "#/disabled", "should be true or false"),
        ({"priority": 2**31}, "#/priority", "should be less than or equal to"),
        ({"settle": 0.5}, "#/settle", "should be an integer"),
        ({"settle": -1}, "#/settle", "should be greater than or equal to 0"),
        ({"settle": True}, "#/settle", "should be an integer"),
        ({"mode": "Enforce"}, "#/mode", "should be 'enforce' or 'observe'"),
        ({"protect": []}, "#/protect", "is empty"),
        ({"protect": ["push"]}, "#/protect/0", "should be 'overwrite' or 'delete'"),
        ({"bypass_actors": [""]}, "#/bypass_actors/0", "is empty"),
        ({"comment": "x" * 1025}, "#/comment", "String should have at most 1024 characters"),
        ({"a/b~": 1}, "#/a~1b~0", "is not known here"),
        ({"é" * 100: 1}, "#/" + "%C3%A9" * 64, "is not known here"),
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/policies"), ("POST", "/policies/preview")])
def test_a_field_that_is_wrong(call, changes, pointer, detail, method, path):
    """The answer points to the field, says what is wrong with it, and nothing is created."""
    found = problem(call(method, path, draft() | changes), 400)
    (error,) = found["errors"]
    assert error["pointer"] == pointer
    assert error["detail"].startswith(detail)
    assert call.get("/policies")["total"] == 0


def test_all_that_is_wrong_is_told_at_once(call):
    """Each thing that is wrong has an entry, and the detail names all of them."""
    found = problem(call("POST", "/policies", {"registry": "main", "tags": {"pattern": ""}, "extra": 1}), 400)
    assert [error["pointer"] for error in found["errors"]] == ["#/namespace", "#/tags/pattern", "#/extra"]
    assert found["detail"] == "namespace: is missing; tags.pattern: empty; extra: is not known here"


def test_a_body_full_of_mistakes(call):
    """An answer does not grow with what somebody sent."""
    found = problem(call("POST", "/policies", {f"field-{number}": 1 for number in range(1000)}), 400)
    assert len(found["errors"]) == 20


def test_a_patch_is_checked_as_a_whole_policy_is(call):
    """A change is refused for the same reasons, before the policy is looked for."""
    for body in ({"tags": {"pattern": "[!a]"}}, {"tags": None}, {"protect": []}, {"settle": -1}, {"mode": None}, []):
        problem(call("PATCH", "/policies/7", data=json.dumps(body), content_type="application/json"), 400)


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "text/json"])
def test_a_body_of_another_type(call, content_type):
    """A body that does not say that it is JSON is not read: no form of a web page can make a policy."""
    assert "must be application/json" in problem(post(call, json.dumps(draft()), content_type), 415)["detail"]


def test_a_type_with_parameters(call):
    """Clients that add a charset are understood."""
    assert post(call, json.dumps(draft()), "application/json; charset=utf-8").status_code == 201


def test_a_body_that_is_too_long(call):
    """A body over the limit is refused; one that reaches it is read."""
    body = json.dumps(draft()).encode()
    assert post(call, body + b" " * (LIMIT - len(body))).status_code == 201
    problem(post(call, body + b" " * (LIMIT + 1 - len(body))), 413)


def test_nothing_there(call, client):
    """A path or a method that does not exist is a problem too, whoever asks."""
    problem(call("GET", "/nothing"), 404)
    problem(client.get("/api/v1"), 404)
    for path, method, allowed in (
        ("/policies/1", "PUT", {"GET", "PATCH", "DELETE"}),
        ("/policies/preview", "GET", {"POST"}),
    ):
        answer = call(method, path)
        problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


def test_a_slash_too_many_is_no_redirect(call):
    """A stray slash at the end finds what it means."""
    assert call("GET", "/policies/").status_code == 200


def test_the_store_is_away(call, here):
    """While Redis does not answer, so does the API, and says when to come again."""
    here.stores.redis.connection_pool.connection_kwargs["server"].connected = False
    answer = call("GET", "/policies")
    assert "redis" not in problem(answer, 503)["detail"].lower()
    assert answer.headers["Retry-After"] == "1"


def test_a_mistake_of_ours_is_not_shown(call, app):
    """What was not foreseen is answered with 500 and told to the log alone."""
    app.view_functions["native.policies.list_policies"] = lambda: 1 / 0
    assert "division" not in problem(call("GET", "/policies"), 500)["detail"]
