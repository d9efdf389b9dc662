"""The decision of one tag. Its way through the ledger is tested in tests/worker/judging/test_judge.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import Action
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision, Record, TagState
from enforcer.judgement.tag_decision import Known, TagDecision, decide, may_need_history
from enforcer.policies.policy_set import PolicySet
from tests.fakes.events import NAME, deletion, digest, push
from tests.fakes.policies import SINCE, policy

A, B, C = digest(1), digest(2), digest(3)
POLICIES = PolicySet([policy(1, tags="1.*")])
NOTHING = Known(TagState(), {})
LATE_WINDOW = 600


def at(seconds):
    return SINCE.plus(seconds)


def arrivals(*events, after=1):
    return [Arrival(event, event.time.plus(after)) for event in events]


def decided(given, known=NOTHING, policies=POLICIES):
    decision = decide(NAME, given, known, policies, LATE_WINDOW)
    return decision, [(entry.event.id, entry.decision) for _, entry in sorted(decision.entries.items())]


def known_after(*events, cut_off=False):
    """What is known of the tag once these events are judged."""
    decision, _ = decided(arrivals(*events))
    return Known(decision.state, {}, [decision.entries[order] for order in sorted(decision.entries)], cut_off)


def test_a_batch_in_order():
    """Each arrival is judged by the record that those before it left."""
    decision, found = decided(arrivals(push("1", A, at(0)), push("2", B, at(1)), push("3", A, at(2))))

    assert found == [("1", Decision.RECORDED), ("2", Decision.OVERWRITTEN), ("3", Decision.UNCHANGED)]
    assert decision.changed
    assert (decision.state.record.digest, decision.rejudged) == (A, set())


def test_a_late_arrival_of_the_batch():
    """One that is late within its batch takes its place among those judged just before."""
    decision, found = decided(arrivals(push("2", B, at(60)), push("1", A, at(0))))

    assert found == [("1", Decision.CORRECTED), ("2", Decision.OVERWRITTEN)]
    assert decision.rejudged == {push("2", B, at(60)).order}


def test_a_repeated_arrival():
    """The same event again changes nothing; its decision is told again, written with the version that is there."""
    known = known_after(push("1", A, at(0)))

    decision, found = decided(arrivals(push("1", A, at(0))), known)

    assert (found, decision.changed, decision.state) == ([("1", Decision.RECORDED)], False, known.state)
    assert decision.written == known.state.version


@pytest.mark.parametrize("after", [LATE_WINDOW, LATE_WINDOW + 1])
def test_the_late_window(after):
    """An event that comes after it is evidence, and corrects no record."""
    known = known_after(push("2", B, at(60)))

    decision, _ = decided(arrivals(push("1", A, at(0)), after=after), known)

    assert decision.state.record.digest == (A if after == LATE_WINDOW else B)


@pytest.mark.parametrize(
    "seconds", [0, 15], ids=["before all", "after the record's own entry, which may be kept alone"]
)
def test_older_than_a_full_history(seconds):
    """What a full history would drop at once is told as a violation, and changes nothing."""
    known = known_after(push("2", A, at(10)), push("3", A, at(20)), cut_off=True)

    decision, found = decided(arrivals(push("1", B, at(seconds))), known)

    assert found == [("1", Decision.OVERWRITTEN)]
    assert (decision.changed, decision.state) == (False, known.state)


def test_a_deletion_that_was_known_before_the_push():
    """The deletion of a digest counts as soon as the push is known that shows its need."""
    gone = Arrival(deletion("gone", at(10), tag=None, digest=A), at(11))
    known = replace(NOTHING, deleted={A: [gone.to_json()], C: ["never read"]})

    _, found = decided(arrivals(push("1", A, at(0))), known)

    assert found == [("1", Decision.RECORDED), ("gone", Decision.DELETED)]


def test_a_deletion_that_does_not_concern_the_tag():
    """It takes no place in the history, and the tag stays as it was."""
    known = known_after(push("1", A, at(0)))

    decision, found = decided(arrivals(deletion("gone", at(10), digest=B)), known)

    assert (found, decision.changed) == ([], False)


@pytest.mark.parametrize(("action", "decision"), [(Action.PUSH, Decision.MOVED), (Action.ADOPT, Decision.APPROVED)])
def test_bypass_is_for_clients(action, decision):
    """An operator with the name of a bypass actor bypasses nothing: the tag stays protected."""
    policies = PolicySet([policy(1, tags="1.*", bypass_actors=frozenset({"root"}))], asking=["main"])
    event = replace(push("1", A, at(0), actor="root"), action=action)

    made, found = decided(arrivals(event), policies=policies)

    assert found == [("1", decision)]
    assert made.entries[event.order].protection.overwrite is (action is Action.ADOPT)


def test_the_place_that_a_future_event_claimed():
    """Its double, which tells the same time, is looked for in the history."""
    event = push("1", A, at(700))
    (timely,) = [Arrival(event, at(0)).timely()]

    decision, _ = decided([timely])

    assert decision.state.last == timely.event.order < event.order
    assert not decision.state.is_newest(replace(event, at=at(10), arrived=at(10)))
    assert decision.state.is_newest(push("2", B, at(701), at=at(10), arrived=at(10)))


def test_judged_anew_by_another_worker():
    """The same entries as they are now, all of them as such that were decided before."""
    decision, _ = decided(arrivals(push("2", B, at(60))))
    now = known_after(push("2", B, at(60)), push("1", A, at(0)))

    anew = decision.anew(now.state, now.history)

    assert [entry.decision for entry in anew.entries.values()] == [Decision.OVERWRITTEN]
    assert (anew.version, anew.rejudged) == (now.state.version, set(decision.entries))


@pytest.mark.parametrize(
    ("events", "deleted", "needed"),
    [
        ([push("2", B, at(11))], {}, False),
        ([push("2", B, at(10)), push("3", B, at(12))], {}, True),
        ([push("2", B, at(12)), push("3", B, at(11))], {}, True),
        ([push("2", B, at(11), children=(C,))], {}, True),
        ([push("2", B, at(11))], {A: ["noted"]}, True),
        ([push("2", B, at(11))], {B: ["noted"]}, True),
        ([push("2", B, at(11))], {C: ["noted"]}, False),
    ],
    ids=["newest", "late", "late in the batch", "index", "record deleted", "push deleted", "another deleted"],
)
def test_batches_that_need_the_history(events, deleted, needed):
    """A batch in order needs none, unless something in it may change what was decided before."""
    state = TagState(Record(digest=A, time=at(0)), push("1", C, at(10)).order, 1)

    assert may_need_history(arrivals(*events), state, deleted) is needed


def test_nothing_to_decide():
    """No arrivals change nothing."""
    assert decided([])[0] == TagDecision(0, TagState())
