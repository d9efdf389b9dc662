from __future__ import annotations

import pytest

from enforcer.policies.unlock import LONGEST
from enforcer.times import Time
from tests.fakes.native import problem

PATH = "/registries/main/unlocks"


def wanted(**changes):
    return {"repositories": "team/app", "tags": "1.0", "seconds": 1800, "reason": "rebuild"} | changes


def create(call, path=PATH, **changes):
    answer = call("POST", path, wanted(**changes))
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def listed(call, query=""):
    return [one["id"] for one in call.get(f"{PATH}{query}")["items"]]


def test_unlock(call, here):
    """Tags are unlocked at once for so long, in the name of the account, and the audit knows of it."""
    before = Time.now()
    answer = call("POST", PATH, wanted())
    shown = answer.get_json()
    (stored,) = here.stores.policies.current().unlocks
    assert shown == stored.as_dict() | {"state": "active"}
    assert (shown["registry"], shown["repositories"], shown["tags"], shown["by"]) == ("main", "team/app", "1.0", "ops")
    assert 1800 <= stored.ends.since(before) < 1830
    assert answer.headers["Location"] == f"/api/v1{PATH}/{shown['id']}"
    assert call.get(f"{PATH}/{shown['id']}") == shown
    (entry,) = here.stores.audit.newest()
    assert (entry.what, entry.by, entry.reason) == ("unlocked", "ops", "rebuild")


def test_patterns(call):
    """Both parts are patterns or lists of them."""
    made = create(call, repositories=["team/*", "ops/**"], tags=["1.*", "latest"])
    assert (made["repositories"], made["tags"]) == ("{team/*,ops/**}", "{1.*,latest}")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"repositories": "team:app"}, "#/repositories"),
        ({"tags": "{1.0"}, "#/tags"),
        ({"tags": ""}, "#/tags"),
        ({"seconds": 0}, "#/seconds"),
        ({"seconds": LONGEST + 1}, "#/seconds"),
        ({"seconds": "60"}, "#/seconds"),
        ({"reason": " "}, "#/reason"),
        ({"id": 5}, "#/id"),
    ],
)
def test_what_is_refused(call, here, changes, pointer):
    """A pattern that is none, an unlock without an end, and one without a reason are refused with the place."""
    found = problem(call("POST", PATH, wanted(**changes)), 400)
    assert [error["pointer"] for error in found["errors"]] == [pointer]
    assert here.stores.policies.current().unlocks == ()


def test_list(call):
    """Unlocks are listed newest first, a part at a time, those of the registry, all or by whether they are in force."""
    first, second, third = (create(call)["id"] for _ in range(3))
    create(call, "/registries/other/unlocks")
    call("DELETE", f"{PATH}/{second}")
    assert listed(call) == [third, second, first]
    assert listed(call, "?state=active") == [third, first]
    assert listed(call, "?state=ended") == [second]
    answer = call("GET", f"{PATH}?state=active&limit=1")
    assert (answer.get_json()["total"], 'rel="next"' in answer.headers["Link"]) == (2, True)
    problem(call("GET", f"{PATH}?state=open"), 400)


def test_end(call, here):
    """An unlock that is ended protects at once, is still shown, and can be ended again without effect."""
    made = create(call)
    assert call("DELETE", f"{PATH}/{made['id']}").status_code == 204
    ended = call.get(f"{PATH}/{made['id']}")
    assert ended["state"] == "ended"
    assert ended["ends"] <= Time.now() < made["ends"]
    assert call("DELETE", f"{PATH}/{made['id']}").status_code == 204
    assert call.get(f"{PATH}/{made['id']}") == ended
    assert [entry.what for entry in here.stores.audit.newest()] == ["locked", "unlocked"]


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/registries/main/unlocks/99", "/registries/other/unlocks/1", "/registries/x/unlocks/1"]
)
def test_no_such_unlock(call, method, path):
    """An unlock is one of its registry; what is not there cannot be shown or ended."""
    create(call)
    problem(call(method, path), 404)
    assert len(listed(call, "?state=active")) == 1


def test_a_viewer_only_looks(call, viewer):
    """An account that may only look sees what is unlocked, and changes nothing."""
    number = create(call)["id"]
    problem(viewer("POST", PATH, wanted()), 403)
    problem(viewer("DELETE", f"{PATH}/{number}"), 403)
    assert listed(viewer, "?state=active") == [number]
