from __future__ import annotations

import pytest

from enforcer.store.audit import Audit
from enforcer.times import Time


@pytest.fixture
def audit(redis):
    return Audit(redis)


def test_an_entry_comes_back_as_it_was(audit):
    """Everything of a change is kept, with when it was made."""
    began = Time.now().plus(-0.001)
    audit.add("policy changed", "ops", reason="incident 7", before={"id": 1, "tags": ["é"]}, after={"id": 1})
    (entry,) = audit.newest()
    assert (entry.what, entry.by, entry.reason) == ("policy changed", "ops", "incident 7")
    assert (entry.before, entry.after) == ({"id": 1, "tags": ["é"]}, {"id": 1})
    assert began <= entry.time <= Time.now()


def test_nothing_before_and_nothing_after(audit):
    """What was created had nothing before, what was deleted nothing after."""
    audit.add("policy created", "ops", after={"id": 1})
    audit.add("policy deleted", "ops", before={"id": 1})
    assert [(entry.before, entry.after) for entry in audit.newest()] == [({"id": 1}, None), (None, {"id": 1})]


def test_newest_first_from_any_entry_on(audit):
    """The entries can be read in parts, each beginning after the last one of the part before."""
    for number in range(5):
        audit.add(f"change {number}", "ops")
    assert len(audit) == 5
    first = list(audit.newest(2))
    second = list(audit.newest(2, before=first[-1].id))
    third = list(audit.newest(2, before=second[-1].id))
    assert [entry.what for entry in first + second + third] == [f"change {number}" for number in (4, 3, 2, 1, 0)]
    assert list(audit.newest(2, before=third[-1].id)) == []
