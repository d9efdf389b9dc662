"""Giving an approval, and what became of it; what a worker makes of one is tested in tests/worker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import Action, Event
from enforcer.judgement.record import AHEAD, TagState
from enforcer.judgement.rules import judge_next
from enforcer.store import approvals as approvals_module
from enforcer.store.approvals import Outcome
from enforcer.store.audit import Audit
from enforcer.store.ledger import Change, Ledger
from enforcer.store.log import Log
from enforcer.store.stores import Stores
from enforcer.store.wakeups import Queues, Task
from enforcer.times import Time
from tests.fakes.clock import Clock
from tests.fakes.events import NAME, digest, push
from tests.fakes.settings import settings

A, B = digest(1), digest(2)


@pytest.fixture
def approvals(redis):
    return Stores.open(settings(), redis).approvals


@pytest.fixture
def judge(redis):
    """Writes what a worker decides of an event."""
    ledger = Ledger(redis)

    def judge(event):
        before = ledger.state(NAME)
        judged = judge_next(event, before, None)
        state = TagState(judged.state.record, judged.state.last, before.version + 1)
        assert not ledger.write([Change(NAME, before.version, state, judged.entries)])

    return judge


def approve(approvals, wanted=B):
    return approvals.approve(NAME, wanted, by="cli:joan", reason="rebuild")


def test_an_approval_is_an_event(redis, approvals):
    """It says who lets which tag become what, and why; it is in the log, and a drain is woken once."""
    events = [approve(approvals), approve(approvals)]
    first, second = (Event.from_json(text) for text in Log(redis).archive())
    assert [replace(each, arrived=None, at=None) for each in (first, second)] == events
    assert first.order < second.order
    assert (first.action, first.tag_name, first.digest) == (Action.APPROVE, NAME, B)
    assert (first.actor, first.reason) == ("cli:joan", "rebuild")
    assert first.id.startswith("approve-")
    assert first.id != second.id
    assert Queues(redis).of(Task.DRAIN).count == 1


def test_the_audit_knows_of_it(redis, approvals, judge):
    """The audit says who, why, and what the tag was recorded with before."""
    approve(approvals)
    judge(push("first", A))
    approve(approvals)
    place = {"registry": "main", "repository": "team/app", "tag": "1.0"}
    latest, first = Audit(redis).newest()
    assert (latest.what, latest.by, latest.reason) == ("approved", "cli:joan", "rebuild")
    assert (latest.before, latest.after) == (place | {"digest": A}, place | {"digest": B})
    assert (first.before, first.after) == (None, place | {"digest": B})


@pytest.mark.parametrize("ahead", [0.5, AHEAD - 5])
def test_it_comes_after_all_that_is_known(approvals, judge, ahead):
    """The registry's clock may be ahead of ours: what it announced is before the approval all the same."""
    pushed = push("first", A, Time.now().plus(ahead))
    judge(pushed)
    assert pushed.time < approve(approvals).time < pushed.time.plus(0.001)


@pytest.mark.parametrize("time", [Time("2026-11-22T04:00:00Z"), Time("9999-12-31T23:59:59.999999999Z")])
def test_it_is_of_now(approvals, judge, time):
    """Otherwise it is of the time when it is given, whatever time an event may have claimed."""
    before = Time.now()
    judge(push("first", A, time))
    assert before <= approve(approvals).time <= Time.now()


def test_nobody_has_judged_it(approvals):
    """Until a worker has judged it, it waits."""
    assert approvals.outcome(approve(approvals)) is Outcome.WAITING


def test_the_registry_has_it(approvals, judge):
    """A worker that found the digest in the registry adopts it."""
    judge(push("first", A))
    event = approve(approvals)
    judge(replace(event, action=Action.ADOPT))
    assert approvals.outcome(event) is Outcome.ADOPTED


def test_the_registry_does_not_have_it(approvals, judge):
    """Else its next push is expected, whether the tag is known or not."""
    events = [approve(approvals)]
    judge(events[0])
    judge(push("first", A))
    events.append(approve(approvals))
    judge(events[1])
    assert [approvals.outcome(event) for event in events] == [Outcome.EXPECTED] * 2


@pytest.mark.parametrize("action", [Action.APPROVE, Action.ADOPT])
def test_it_is_that_already(approvals, judge, action):
    """To approve what the tag is recorded with changes nothing, whether the registry has it or not."""
    judge(push("first", A))
    event = approve(approvals, A)
    judge(replace(event, action=action))
    assert approvals.outcome(event) is Outcome.UNCHANGED


def test_wait(approvals, judge, monkeypatch):
    """Waiting ends when a worker has judged it, or when the time is over."""

    class Waiting(Clock):
        def sleep(self, seconds):
            self.advance(seconds)
            if self.milliseconds >= judged_at:
                judge(event)

    clock = Waiting(0)
    monkeypatch.setattr(approvals_module, "time", clock)
    event, judged_at = approve(approvals), 10**9
    assert approvals.wait(event, seconds=2) is Outcome.WAITING
    assert 2 <= clock.now < 2.1
    judged_at = clock.milliseconds + 500
    assert approvals.wait(event, seconds=2) is Outcome.EXPECTED
    assert 2.5 <= clock.now < 2.7
