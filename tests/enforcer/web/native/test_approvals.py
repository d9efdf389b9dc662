from __future__ import annotations

import pytest

from enforcer.events import Action, Event
from enforcer.names import REASON_LENGTH
from tests.fakes.events import digest
from tests.fakes.native import problem

PATH = "/registries/main/approvals"


def wanted(**changes):
    return {"repository": "team/app", "tag": "1.0", "digest": digest(2), "reason": "rebuild"} | changes


def test_approve(call, here):
    """An approval waits in the log for a worker, in the name of the account; the answer says by what id it is known."""
    answer = call("POST", PATH, wanted())
    assert answer.status_code == 202
    (text,) = here.stores.log.archive()
    event = Event.from_json(text)
    assert (event.action, str(event.tag_name), event.digest) == (Action.APPROVE, "main/team/app:1.0", digest(2))
    assert (event.actor, event.reason) == ("ops", "rebuild")
    assert answer.get_json() == wanted() | {"id": event.id, "registry": "main", "time": event.time, "by": "ops"}
    (entry,) = here.stores.audit.newest()
    assert (entry.what, entry.by, entry.reason) == ("approved", "ops", "rebuild")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"repository": "team/APP"}, "#/repository"),
        ({"tag": ".1"}, "#/tag"),
        ({"tag": 1}, "#/tag"),
        ({"digest": "sha256:x"}, "#/digest"),
        ({"digest": None}, "#/digest"),
        ({"reason": ""}, "#/reason"),
        ({"reason": "  \n"}, "#/reason"),
        ({"reason": "x" * (REASON_LENGTH + 1)}, "#/reason"),
        ({"registry": "main"}, "#/registry"),
    ],
)
def test_what_is_refused(call, here, changes, pointer):
    """Names that are none, and an approval without a reason, are refused with the place; nothing is approved."""
    found = problem(call("POST", PATH, wanted(**changes)), 400)
    assert [error["pointer"] for error in found["errors"]] == [pointer]
    assert list(here.stores.log.archive()) == list(here.stores.audit.newest()) == []


def test_an_unknown_registry(call):
    """Only tags of configured registries can be approved."""
    assert "nowhere" in problem(call("POST", "/registries/nowhere/approvals", wanted()), 404)["detail"]


def test_a_viewer_approves_nothing(viewer, here):
    """An account that may only look approves nothing."""
    problem(viewer("POST", PATH, wanted()), 403)
    assert list(here.stores.log.archive()) == []


def test_the_reason_is_one_line(call):
    """What could disturb a log is not kept."""
    assert call("POST", PATH, wanted(reason=" a\nb\x00 ")).get_json()["reason"] == "a b\ufffd"
