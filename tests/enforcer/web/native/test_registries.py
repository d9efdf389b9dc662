from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.names import Repository, Tag
from enforcer.times import Time
from tests.fakes.events import NAME, digest
from tests.fakes.ledger import Past
from tests.fakes.native import draft, problem
from tests.fakes.policies import policy

BEGAN = Time("2026-11-22T04:00:00Z")


def test_registries(call):
    """The configured registries are listed with what they are, and without a secret."""
    assert call.get("/registries") == {
        "items": [
            {"name": "main", "kind": "distribution", "url": "http://127.0.0.1:5000"},
            {"name": "other", "kind": "harbor", "url": "http://127.0.0.1:5001"},
        ],
        "total": 2,
    }
    assert [one["name"] for one in call.get("/registries?offset=1")["items"]] == ["other"]


def test_namespaces(call, here):
    """Namespaces that are configured or were seen are listed by number, with their policies."""
    Past(here.stores.ledger, began=BEGAN).push(1, replace(NAME, repository=Repository("ops/app")))
    call("POST", "/policies", draft())
    assert call.get("/registries/main/namespaces") == {
        "items": [
            {"id": 1, "name": "library", "policies": []},
            {"id": 2, "name": "ops", "policies": []},
            {"id": 3, "name": "team", "policies": [1]},
        ],
        "total": 3,
    }
    assert [one["name"] for one in call.get("/registries/main/namespaces?limit=1&offset=1")["items"]] == ["ops"]


def test_tags(call, here):
    """Each tag is shown with its digest, since when it has it, and what protects it now; by name."""
    past = Past(here.stores.ledger, policy(1, "1.*", settle=120), began=BEGAN)
    past.push(1, media_type="application/json")
    past.push(2, replace(NAME, tag=Tag("latest")))
    here.stores.policies.create(policy(tags="1.*"), "ops")
    here.stores.policies.create(policy(tags="*", disabled=True), "ops")
    here.stores.policies.create(policy(tags="*", namespace="library"), "ops")
    found = call.get("/registries/main/tags?repository=team/app")
    assert found == {
        "items": [
            {
                "tag": "1.0",
                "digest": digest(1),
                "media_type": "application/json",
                "time": BEGAN.plus(1),
                "settles": BEGAN.plus(121),
                "deleted": False,
                "protected_by": [1],
            },
            {
                "tag": "latest",
                "digest": digest(2),
                "media_type": "",
                "time": BEGAN.plus(2),
                "settles": None,
                "deleted": False,
                "protected_by": [],
            },
        ],
        "total": 2,
    }
    assert [one["tag"] for one in call.get("/registries/main/tags?repository=team/app&offset=1")["items"]] == ["latest"]


def test_deleted_tags(call, here):
    """A protected tag that was deleted is shown as such until it is back; one that nothing protects is gone."""
    past = Past(here.stores.ledger, policy(1, "1.*"), began=BEGAN)
    for name in (NAME, replace(NAME, tag=Tag("latest"))):
        past.push(1, name)
        past.delete(name)
    (found,) = call.get("/registries/main/tags?repository=team/app")["items"]
    assert (found["tag"], found["deleted"], found["digest"]) == ("1.0", True, digest(1))


def test_a_repository_that_nobody_knows(call):
    """A repository without a record has no tags."""
    assert call.get("/registries/main/tags?repository=team/unknown") == {"items": [], "total": 0}


@pytest.mark.parametrize("query", ["", "?repository=", "?repository=Team/App", "?repository=a&repository=b"])
def test_no_repository(call, query):
    """Without the name of one repository there is nothing to list."""
    (error,) = problem(call("GET", f"/registries/main/tags{query}"), 400)["errors"]
    assert error["parameter"] == "repository"


@pytest.mark.parametrize("path", ["namespaces", "tags?repository=team/app", "history/team/app/1.0"])
def test_unknown_registry(call, path):
    """What belongs to no configured registry is not found."""
    assert problem(call("GET", f"/registries/nowhere/{path}"), 404)["detail"].startswith("no registry is configured")
