from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.policies.declaration import PolicySettings
from enforcer.policies.policy import Selector
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from tests.fakes.native import draft, problem
from tests.fakes.policies import policy
from tests.fakes.settings import policy_table

FULL = draft(
    repositories={"decoration": "repoExcludes", "pattern": ["app", "tools/**"]},
    tags={"decoration": "excludes", "pattern": " {latest, edge} "},
    disabled=True,
    priority=-3,
    mode="observe",
    protect=["delete"],
    signature_tags=True,
    settle=0,
    bypass_actors=["robot"],
    comment="why",
)


def test_create_with_every_field(call):
    """Every field of a policy can be given; patterns come back as they were sent, lists joined."""
    answer = call("POST", "/policies", FULL)
    shown = answer.get_json()
    assert answer.status_code == 201
    since = shown.pop("effective_since")
    assert shown == FULL | {
        "id": 1,
        "repositories": {"decoration": "repoExcludes", "pattern": "{app,tools/**}"},
        "origin": "",
        "revision": 1,
    }
    assert since.endswith("Z")
    assert (answer.headers["Location"], answer.headers["ETag"]) == ("/api/v1/policies/1", '"1"')


def test_create_with_defaults(call):
    """A registry, a namespace and a tag pattern are enough: then all changes are undone, in all repositories."""
    shown = call("POST", "/policies", draft()).get_json()
    assert shown["repositories"] == {"decoration": "repoMatches", "pattern": "**"}
    assert shown["tags"]["decoration"] == "matches"
    assert (shown["disabled"], shown["mode"], shown["protect"]) == (False, "enforce", ["overwrite", "delete"])


def test_a_new_policy_is_in_force(call, here):
    """It is stored with the account's name, and the tags of its namespace are about to be recorded."""
    call("POST", "/policies", draft())
    assert [one.id for one in here.stores.policies.current()] == [1]
    assert [entry.by for entry in here.stores.audit.newest()] == ["ops"]
    assert [claim.key for claim in WorkQueue(here.stores.redis, Task.BASELINE).claim(5)] == ["main/team"]


def test_a_namespace_need_not_be_there(call):
    """Tags can be protected before the first push."""
    assert call("POST", "/policies", draft(namespace="new")).status_code == 201


def test_an_unknown_registry(call):
    """A policy of a registry that is not configured would protect nothing."""
    found = problem(call("POST", "/policies", draft(registry="nowhere")), 404)
    assert found["detail"] == "no registry is configured as 'nowhere'"


def test_conflicts(call):
    """A policy that says what another does, and one for which there is no room, are refused; so is such a change."""
    call("POST", "/policies", draft())
    assert "already says the same" in problem(call("POST", "/policies", draft(comment="x")), 409)["detail"]
    call("POST", "/policies", draft(tags={"pattern": "b*"}))
    assert "2 of at most 2" in problem(call("POST", "/policies", draft(tags={"pattern": "c*"})), 409)["detail"]
    problem(call("PATCH", "/policies/2", {"tags": {"pattern": "v*"}}), 409)


def test_list_by_id(call):
    """All policies are listed by id, or those of a registry or a namespace."""
    for registry, namespace in (("main", "team"), ("main", "library"), ("other", "team")):
        call("POST", "/policies", draft(registry=registry, namespace=namespace))
    ids = {query: [one["id"] for one in call.get(f"/policies{query}")["items"]] for query in ("", "?namespace=team")}
    assert ids == {"": [1, 2, 3], "?namespace=team": [1, 3]}
    assert [one["id"] for one in call.get("/policies?registry=main&namespace=team")["items"]] == [1]
    assert call.get("/policies?registry=nowhere") == {"items": [], "total": 0}


def test_get(call):
    """One policy is shown as the list shows it, with its revision as ETag."""
    call("POST", "/policies", draft())
    answer = call("GET", "/policies/1")
    assert answer.get_json() == call.get("/policies")["items"][0]
    assert answer.headers["ETag"] == '"1"'


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@pytest.mark.parametrize("policy_id", ["7", "0", "-1", "01", "x", "1.0", "٣", "1" * 5000])
def test_no_such_policy(call, method, policy_id):
    """What is no policy's number is not found, however it is written."""
    call("POST", "/policies", draft())
    problem(call(method, f"/policies/{policy_id}", {} if method == "PATCH" else None), 404)


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"disabled": True}, "disabled", True),
        ({"mode": "observe"}, "mode", "observe"),
        ({"protect": ["overwrite"]}, "protect", ["overwrite"]),
        ({"signature_tags": True}, "signature_tags", True),
        ({"settle": 5}, "settle", 5),
        ({"settle": 5.0}, "settle", 5),
        ({"priority": 4}, "priority", 4),
        ({"bypass_actors": []}, "bypass_actors", []),
        ({"bypass_actors": ["a", "b"]}, "bypass_actors", ["a", "b"]),
        ({"comment": ""}, "comment", ""),
        ({"tags": {"pattern": "r*"}}, "tags", {"decoration": "excludes", "pattern": "r*"}),
        ({"tags": {"decoration": "matches"}}, "tags", {"decoration": "matches", "pattern": "v*"}),
        (
            {"repositories": {"decoration": "repoExcludes", "pattern": ["a", "b"]}},
            "repositories",
            {"decoration": "repoExcludes", "pattern": "{a,b}"},
        ),
    ],
)
def test_change_one_field(call, change, field, value):
    """What is given is changed, all else stays."""
    first = draft(tags={"decoration": "excludes", "pattern": "v*"}, bypass_actors=["robot"], comment="why")
    before = call("POST", "/policies", first).get_json()
    answer = call("PATCH", "/policies/1", change)
    assert answer.status_code == 200
    after = answer.get_json()
    expected = before | {field: value, "revision": 2, "effective_since": after["effective_since"]}
    assert after == expected == call.get("/policies/1")
    assert answer.headers["ETag"] == '"2"'


def test_no_change(call):
    """Changing nothing is allowed and makes no revision."""
    call("POST", "/policies", draft())
    answer = call("PATCH", "/policies/1", {})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')


@pytest.mark.parametrize("field", ["registry", "namespace", "id", "revision", "effective_since", "origin"])
def test_what_cannot_be_changed(call, field):
    """Where a policy applies stays, and what the store knows is not given by anybody."""
    call("POST", "/policies", draft())
    found = problem(call("PATCH", "/policies/1", {field: "main"}), 400)
    assert found["errors"] == [{"detail": "is not known here", "pointer": f"#/{field}"}]


def test_a_change_keeps_what_others_know(call, here):
    """What clients of SWR sent along, and how they spelled it, is not lost when something else is changed."""
    swr = policy(tags="v*", template="")
    swr = replace(swr, tags=Selector("repoMatches", swr.tags.pattern, "extra"))
    here.stores.policies.create(swr, "swr")
    shown = call("PATCH", "/policies/1", {"comment": "why"}).get_json()
    assert shown["tags"] == {"decoration": "matches", "pattern": "v*"}
    stored = here.stores.policies.current().get(1)
    assert (stored.tags, stored.template, stored.comment) == (swr.tags, "", "why")


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("stale", ['"1"', 'W/"2"', '"x", "1"', "nonsense", ""])
def test_a_stale_revision(call, method, stale):
    """Who names another revision than the policy has is told so, and nothing is changed."""
    call("POST", "/policies", draft())
    call("PATCH", "/policies/1", {"comment": "first"})
    body = {"comment": "second"} if method == "PATCH" else None
    found = problem(call(method, "/policies/1", body, headers={"If-Match": stale}), 412)
    assert found["revision"] == 2
    assert call.get("/policies/1")["comment"] == "first"


@pytest.mark.parametrize("fresh", ['"2"', '"1", "2"', "*"])
def test_a_fresh_revision(call, fresh):
    """Who names the revision that the policy has may change and delete it."""
    call("POST", "/policies", draft())
    call("PATCH", "/policies/1", {"comment": "first"})
    assert call("PATCH", "/policies/1", {}, headers={"If-Match": fresh}).status_code == 200
    assert call("DELETE", "/policies/1", headers={"If-Match": fresh}).status_code == 204


def test_delete(call):
    """A deleted policy is gone; the answer is empty."""
    call("POST", "/policies", draft())
    answer = call("DELETE", "/policies/1")
    assert (answer.status_code, answer.data, answer.content_type) == (204, b"", None)
    problem(call("GET", "/policies/1"), 404)


def test_what_the_configuration_declares(call, here):
    """Its policies are shown as such."""
    here.stores.policies.apply_settings([PolicySettings.model_validate(policy_table())])
    assert call.get("/policies/1")["origin"] == "settings"
