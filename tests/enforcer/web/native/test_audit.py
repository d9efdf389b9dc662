from __future__ import annotations

import pytest

from tests.fakes.native import draft, problem


def test_who_changed_what(call):
    """Each change is shown with who made it and what was there before and after, newest first."""
    created = call("POST", "/policies", draft()).get_json()
    call("PATCH", "/policies/1", {"comment": "why"})
    call("DELETE", "/policies/1")
    found = call.get("/audit")
    assert found["total"] == 3
    assert [entry["what"] for entry in found["items"]] == ["policy deleted", "policy changed", "policy created"]
    changed = found["items"][1]
    assert (changed["by"], changed["reason"]) == ("ops", "")
    assert (changed["before"]["comment"], changed["after"]["comment"]) == ("", "why")
    assert found["items"][2]["before"] is None
    assert found["items"][2]["after"]["effective_since"] == created["effective_since"]


@pytest.mark.parametrize("before", ["0-0", "x", "", "1", "1-1-1", "+", "-", "9" * 30 + "-0"])
def test_a_beginning_that_is_none(call, before):
    """The list begins after an entry, or not at all."""
    (error,) = problem(call("GET", f"/audit?before={before.replace('+', '%2B')}"), 400)["errors"]
    assert error["parameter"] == "before"
