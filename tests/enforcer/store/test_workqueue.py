from __future__ import annotations

import json

import pytest

from enforcer.store import workqueue as agenda_module
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import LEASE, Claim, WorkQueue
from tests.fakes.clock import Clock


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(agenda_module, "time", clock)
    return clock


@pytest.fixture
def agenda(redis, clock):
    return WorkQueue(redis, Task.RESTORE)


def items(claims):
    return [claim.item for claim in claims]


def test_an_item_is_claimed_with_what_is_known_of_it(agenda):
    """A claim says what the item is, what was noted when it was added, and how often it was asked for."""
    agenda.add([("a", "notes of a")])
    assert agenda.claim(10) == [Claim("a", "notes of a", 1)]


def test_notes_may_be_any_text(agenda):
    """Notes come back as they were, whatever stands in them."""
    notes = json.dumps({"text": "ä\n\0 '\""})
    agenda.add([("registry/a:b c", notes)])
    assert agenda.claim(10) == [Claim("registry/a:b c", notes, 1)]


def test_a_claimed_item_is_nobody_elses(redis, agenda):
    """One item is never looked after by two at a time."""
    agenda.add([("a", "")])
    assert items(agenda.claim(10)) == ["a"]
    assert agenda.claim(10) == WorkQueue(redis, Task.RESTORE).claim(10) == []


def test_whoever_takes_the_place_of_a_dead_worker_goes_on(redis, agenda):
    """It gets what that one had claimed without waiting for the end of the lease; what others have stays theirs."""
    agenda.add((each, "") for each in "abcd")
    assert items(agenda.claim(2, owner="host-1")) == ["a", "b"]
    assert items(agenda.claim(1, owner="host-2")) == ["c"]
    agenda.done("b")
    assert agenda.take_back("host-1") == 1
    assert agenda.is_due()
    assert sorted(items(agenda.claim(10, owner="host-1"))) == ["a", "d"]
    assert agenda.take_back("host-3") == 0


def test_asked_for_meanwhile_and_to_begin_anew(agenda):
    """An item that somebody asked for while it was looked after comes again, with its notes only if they are of use."""
    agenda.add([("a", "begun"), ("b", "begun")])
    agenda.claim(2)
    agenda.add([("a", ""), ("b", "")])
    agenda.done("a")
    agenda.done("b", anew=True)
    assert {claim.item: claim.notes for claim in agenda.claim(2)} == {"a": "begun", "b": ""}


def test_an_owner_is_forgotten_with_its_claim(redis, agenda):
    """Nothing is left of items that are done."""
    agenda.add([("a", "")])
    agenda.claim(1, owner="host-1")
    agenda.done("a")
    assert redis.keys() == []


def test_an_item_asked_for_while_claimed_waits(redis, agenda, clock):
    """What is asked for again while somebody has it is looked after once more, but not by two at a time."""
    agenda.add([("a", "")])
    agenda.claim(10)
    agenda.add([("a", "")])
    clock.advance(LEASE / 2)
    assert WorkQueue(redis, Task.RESTORE).claim(10) == []
    agenda.done("a")
    assert items(agenda.claim(10)) == ["a"]


def test_ten_requests_are_one_item(agenda):
    """An item that is added ten times is looked after once; its first notes and the number of requests are kept."""
    for number in range(10):
        agenda.add([("a", f"notes {number}")])
    assert agenda.claim(10) == [Claim("a", "notes 0", 10)]
    agenda.done("a")
    assert agenda.claim(10) == []


def test_done_forgets(agenda):
    """An item that is done leaves nothing behind: added again, it is a new one."""
    agenda.add([("a", "old")])
    agenda.claim(10)
    agenda.done("a")
    assert (len(agenda), agenda.is_due()) == (0, False)
    agenda.add([("a", "new")])
    assert agenda.claim(10) == [Claim("a", "new", 1)]


def test_done_keeps_what_was_asked_for_meanwhile(agenda):
    """A request that came during the last step is not lost with it, nor is what was noted before."""
    agenda.add([("a", "notes")])
    agenda.claim(10)
    agenda.add([("a", "")])
    agenda.done("a")
    assert agenda.claim(10) == [Claim("a", "notes", 2)]


def test_again_comes_when_it_is_time(agenda, clock):
    """An item that is given back for later comes then, with its new notes and not a moment sooner."""
    agenda.add([("a", "")])
    agenda.claim(10)
    agenda.again("a", "half done", 2.5)
    clock.advance(2.499)
    assert (agenda.claim(10), agenda.is_due()) == ([], False)
    clock.advance(0.001)
    assert agenda.is_due()
    assert agenda.claim(10) == [Claim("a", "half done", 1)]


def test_again_comes_at_once_if_asked_for_meanwhile(agenda):
    """A request that came during the step does not wait for the time that the step chose; the step's notes count."""
    agenda.add([("a", "")])
    agenda.claim(10)
    agenda.add([("a", "")])
    agenda.again("a", "half done", 300)
    assert agenda.claim(10) == [Claim("a", "half done", 2)]


def test_a_request_calls_a_waiting_item_at_once(agenda):
    """An item that waits for later is due as soon as somebody asks for it, with the notes of its last step."""
    agenda.add([("a", "")])
    agenda.claim(10)
    agenda.again("a", "half done", 300)
    agenda.add([("a", "ignored")])
    assert agenda.claim(10) == [Claim("a", "half done", 2)]


def test_the_lease_of_a_dead_worker_runs_out(redis, agenda, clock):
    """What a dead worker had is taken over after the lease, as it stood at that worker's last step."""
    agenda.add([("a", "")])
    agenda.claim(10)
    agenda.again("a", "half done", 0)
    agenda.claim(10)
    clock.advance(LEASE - 0.001)
    other = WorkQueue(redis, Task.RESTORE)
    assert (other.claim(10), other.is_due()) == ([], False)
    clock.advance(0.001)
    assert other.is_due()
    assert other.claim(10) == [Claim("a", "half done", 1)]
    assert agenda.claim(10) == []


def test_a_lease_that_ran_out_takes_the_request_with_it(redis, agenda, clock):
    """An item that is both left over and asked for is claimed once."""
    agenda.add([("a", "")])
    agenda.claim(10)
    agenda.add([("a", "")])
    clock.advance(LEASE)
    assert agenda.claim(10) == [Claim("a", "", 2)]
    assert agenda.claim(10) == []


def test_a_late_done_loses_nothing(redis, agenda, clock):
    """A worker that lost its lease and says done all the same does not end what others wait for."""
    agenda.add([("a", "")])
    agenda.claim(10)
    clock.advance(LEASE)
    other = WorkQueue(redis, Task.RESTORE)
    other.claim(10)
    other.again("a", "the other's", 5)
    agenda.done("a")
    clock.advance(5)
    assert other.claim(10) == [Claim("a", "the other's", 1)]


def test_the_longest_due_comes_first(agenda, clock):
    """Items come in the order in which they fell due."""
    for item in ("c", "a", "b"):
        agenda.add([(item, "")])
        clock.advance(1)
    assert items(agenda.claim(2)) == ["c", "a"]
    assert items(agenda.claim(2)) == ["b"]


def test_asking_again_does_not_lose_the_turn(agenda, clock):
    """A tag that is overwritten again and again is not put off behind all others each time."""
    agenda.add([("a", "")])
    clock.advance(1)
    agenda.add([("b", "")])
    clock.advance(1)
    agenda.add([("a", "")])
    assert items(agenda.claim(1)) == ["a"]


def test_what_ran_out_comes_before_what_is_due(agenda, clock):
    """A left-over is older than anything new."""
    agenda.add([("a", "")])
    agenda.claim(1)
    clock.advance(LEASE)
    agenda.add([("b", "")])
    assert items(agenda.claim(1)) == ["a"]


@pytest.mark.parametrize("limit", [1, 3])
def test_a_limit_counts_left_overs_and_due_items_together(agenda, clock, limit):
    """A claim is never more than was asked for: each item costs a thread."""
    agenda.add((f"left {number}", "") for number in range(2))
    agenda.claim(10)
    clock.advance(LEASE)
    agenda.add((f"due {number}", "") for number in range(5))
    assert len(agenda.claim(limit)) == limit


def test_busy_items_do_not_hide_others(agenda, clock):
    """However many items are asked for while others have them, one that is free is found behind them."""
    busy = [(f"busy {number}", "") for number in range(50)]
    agenda.add(busy)
    assert len(agenda.claim(50)) == 50
    agenda.add(busy)
    clock.advance(1)
    agenda.add([("free", "")])
    assert items(agenda.claim(1)) == ["free"]


def test_requests_are_counted(agenda):
    """How often an item was asked for can be read without claiming it; 0 if it is not on the agenda."""
    assert agenda.requests("a") == 0
    agenda.add([("a", "")])
    agenda.add([("a", "")])
    assert agenda.requests("a") == 2


def test_length_counts_waiting_and_claimed(agenda):
    """An item is on the agenda until it is done, whether it is due, claimed or waits."""
    agenda.add([("a", ""), ("b", ""), ("c", "")])
    agenda.claim(2)
    agenda.again("b", "", 300)
    assert len(agenda) == 3
    agenda.done("a")
    assert len(agenda) == 2


def test_tasks_have_agendas_of_their_own(redis, agenda):
    """An item of one task is not another's."""
    agenda.add([("a", "")])
    other = WorkQueue(redis, Task.KEEP)
    assert (other.claim(10), other.is_due(), len(other)) == ([], False, 0)


def test_adding_nothing_is_nothing(agenda):
    """An empty list leaves the agenda as it is."""
    agenda.add([])
    assert len(agenda) == 0
