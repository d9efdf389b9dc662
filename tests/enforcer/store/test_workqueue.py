from __future__ import annotations

import json

import pytest

from enforcer.store.limits import LEASE
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import ClaimLost, WorkQueue
from tests.fakes.clock import Clock


@pytest.fixture
def clock(redis):
    redis.clock.clock = clock = Clock()
    return clock


@pytest.fixture
def queue(redis, clock):
    return WorkQueue(redis, Task.RESTORE)


@pytest.fixture
def other(redis, clock):
    """The same queue, for another worker."""
    return WorkQueue(redis, Task.RESTORE)


def keys(claims):
    return [claim.key for claim in claims]


def seen(claims):
    """What a claim tells its worker, without the token."""
    return [(claim.key, claim.checkpoint, claim.generation) for claim in claims]


def test_a_key_is_claimed_with_what_is_known_of_it(queue):
    """A claim says what the key is, what was noted when it was added, and how often it was asked for."""
    queue.add([("a", "checkpoint of a")])
    assert seen(queue.claim(10)) == [("a", "checkpoint of a", 1)]


def test_checkpoint_may_be_any_text(queue):
    """Notes come back as they were, whatever stands in them."""
    checkpoint = json.dumps({"text": "ä\n\0 '\""})
    queue.add([("registry/a:b c", checkpoint)])
    assert seen(queue.claim(10)) == [("registry/a:b c", checkpoint, 1)]


def test_a_claimed_key_is_nobody_elses(redis, queue):
    """One key is never looked after by two at a time."""
    queue.add([("a", "")])
    assert keys(queue.claim(10)) == ["a"]
    assert queue.claim(10) == WorkQueue(redis, Task.RESTORE).claim(10) == []


def test_whoever_takes_the_place_of_a_dead_worker_goes_on(redis, queue):
    """It gets what that one had claimed, without waiting for the end of the lease; what others have stays theirs."""
    queue.add((each, "") for each in "abcd")
    a, b = queue.claim(2, owner="host-1")
    assert keys([a, b]) == ["a", "b"]
    assert keys(queue.claim(1, owner="host-2")) == ["c"]
    queue.done(b)
    assert queue.take_back("host-1") == 1
    assert queue.is_due()
    assert sorted(keys(queue.claim(10, owner="host-1"))) == ["a", "d"]
    assert queue.take_back("host-3") == 0


def test_asked_for_meanwhile_and_to_begin_anew(queue):
    """A key that was asked for while it was looked after comes again, with its checkpoint only if that is of use."""
    queue.add([("a", "begun"), ("b", "begun")])
    a, b = queue.claim(2)
    queue.add([("a", ""), ("b", "")])
    queue.done(a)
    queue.done(b, anew=True)
    assert {claim.key: claim.checkpoint for claim in queue.claim(2)} == {"a": "begun", "b": ""}


def test_an_owner_is_forgotten_with_its_claim(redis, queue):
    """Nothing is left of keys that are done, but the counter from which tokens are made."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1, owner="host-1")
    queue.done(claim)
    assert redis.keys() == [b"te:{restore}:tokens"]


def test_a_key_asked_for_while_claimed_waits(redis, queue, clock):
    """What is asked for again while somebody has it is looked after once more, but not by two at a time."""
    queue.add([("a", "")])
    (claim,) = queue.claim(10)
    queue.add([("a", "")])
    clock.advance(LEASE / 2)
    assert WorkQueue(redis, Task.RESTORE).claim(10) == []
    queue.done(claim)
    assert keys(queue.claim(10)) == ["a"]


def test_ten_requests_are_one_key(queue):
    """A key that is added ten times is looked after once; its first checkpoint and the number of requests are kept."""
    for number in range(10):
        queue.add([("a", f"checkpoint {number}")])
    (claim,) = queue.claim(10)
    assert seen([claim]) == [("a", "checkpoint 0", 10)]
    queue.done(claim)
    assert queue.claim(10) == []


def test_done_forgets(queue):
    """A key that is done leaves nothing behind: added again, it is a new one."""
    queue.add([("a", "old")])
    (claim,) = queue.claim(10)
    queue.done(claim)
    assert (len(queue), queue.is_due()) == (0, False)
    queue.add([("a", "new")])
    assert seen(queue.claim(10)) == [("a", "new", 1)]


def test_done_keeps_what_was_asked_for_meanwhile(queue):
    """A request that came during the last step is not lost with it, nor is what was noted before."""
    queue.add([("a", "checkpoint")])
    (claim,) = queue.claim(10)
    queue.add([("a", "")])
    queue.done(claim)
    assert seen(queue.claim(10)) == [("a", "checkpoint", 2)]


def test_again_comes_when_it_is_time(queue, clock):
    """A key that is given back for later comes then, with its new checkpoint and not a moment sooner."""
    queue.add([("a", "")])
    (claim,) = queue.claim(10)
    queue.again(claim, "half done", 2.5)
    clock.advance(2.499)
    assert (queue.claim(10), queue.is_due()) == ([], False)
    clock.advance(0.001)
    assert queue.is_due()
    assert seen(queue.claim(10)) == [("a", "half done", 1)]


def test_again_comes_at_once_if_asked_for_meanwhile(queue):
    """A request that came during the step does not wait for the time that the step chose; its checkpoint counts."""
    queue.add([("a", "")])
    (claim,) = queue.claim(10)
    queue.add([("a", "")])
    queue.again(claim, "half done", 300)
    assert seen(queue.claim(10)) == [("a", "half done", 2)]


def test_a_request_calls_a_waiting_key_at_once(queue):
    """A key that waits for later is due as soon as somebody asks for it, with the checkpoint of its last step."""
    queue.add([("a", "")])
    (claim,) = queue.claim(10)
    queue.again(claim, "half done", 300)
    queue.add([("a", "ignored")])
    assert seen(queue.claim(10)) == [("a", "half done", 2)]


def test_the_lease_of_a_dead_worker_runs_out(queue, other, clock):
    """What a dead worker had is taken over after the lease, as it stood at that worker's last step."""
    queue.add([("a", "")])
    (claim,) = queue.claim(10)
    queue.again(claim, "half done", 0)
    (claim,) = queue.claim(10)
    clock.advance(LEASE - 0.001)
    assert (other.claim(10), other.is_due()) == ([], False)
    clock.advance(0.001)
    assert other.is_due()
    assert seen(other.claim(10)) == [("a", "half done", 1)]
    assert queue.claim(10) == []


def test_a_lease_that_ran_out_takes_the_request_with_it(redis, queue, clock):
    """A key that is both left over and asked for is claimed once."""
    queue.add([("a", "")])
    queue.claim(10)
    queue.add([("a", "")])
    clock.advance(LEASE)
    assert seen(queue.claim(10)) == [("a", "", 2)]
    assert queue.claim(10) == []


def test_a_late_done_loses_nothing(queue, other, clock):
    """A worker that lost its lease and says done all the same does not end what others wait for."""
    queue.add([("a", "")])
    (claim,) = queue.claim(10)
    clock.advance(LEASE)
    (theirs,) = other.claim(10)
    other.again(theirs, "the other's", 5)
    assert not queue.done(claim)
    clock.advance(5)
    assert seen(other.claim(10)) == [("a", "the other's", 1)]


def test_the_longest_due_comes_first(queue, clock):
    """Items come in the order in which they fell due."""
    for key in ("c", "a", "b"):
        queue.add([(key, "")])
        clock.advance(1)
    assert keys(queue.claim(2)) == ["c", "a"]
    assert keys(queue.claim(2)) == ["b"]


def test_asking_again_does_not_lose_the_turn(queue, clock):
    """A tag that is overwritten again and again is not put off behind all others each time."""
    queue.add([("a", "")])
    clock.advance(1)
    queue.add([("b", "")])
    clock.advance(1)
    queue.add([("a", "")])
    assert keys(queue.claim(1)) == ["a"]


def test_what_ran_out_comes_before_what_is_due(queue, clock):
    """A left-over is older than anything new."""
    queue.add([("a", "")])
    queue.claim(1)
    clock.advance(LEASE)
    queue.add([("b", "")])
    assert keys(queue.claim(1)) == ["a"]


@pytest.mark.parametrize("limit", [1, 3])
def test_a_limit_counts_left_overs_and_due_keys_together(queue, clock, limit):
    """A claim is never more than was asked for: each key costs a thread."""
    queue.add((f"left {number}", "") for number in range(2))
    queue.claim(10)
    clock.advance(LEASE)
    queue.add((f"due {number}", "") for number in range(5))
    assert len(queue.claim(limit)) == limit


def test_busy_keys_do_not_hide_others(queue, clock):
    """However many keys are asked for while others have them, one that is free is found behind them."""
    busy = [(f"busy {number}", "") for number in range(50)]
    queue.add(busy)
    assert len(queue.claim(50)) == 50
    queue.add(busy)
    clock.advance(1)
    queue.add([("free", "")])
    assert keys(queue.claim(1)) == ["free"]


def test_requests_are_counted(queue):
    """How often a key was asked for can be read without claiming it; 0 if it is not on the queue."""
    assert queue.generation("a") == 0
    queue.add([("a", "")])
    queue.add([("a", "")])
    assert queue.generation("a") == 2


def test_length_counts_waiting_and_claimed(queue):
    """A key is on the queue until it is done, whether it is due, claimed or waits."""
    queue.add([("a", ""), ("b", ""), ("c", "")])
    a, b = queue.claim(2)
    queue.again(b, "", 300)
    assert len(queue) == 3
    queue.done(a)
    assert len(queue) == 2


def test_tasks_have_queues_of_their_own(redis, queue):
    """A key of one task is not another's."""
    queue.add([("a", "")])
    other = WorkQueue(redis, Task.KEEP)
    assert (other.claim(10), other.is_due(), len(other)) == ([], False, 0)


def test_adding_nothing_is_nothing(queue):
    """An empty list leaves the queue as it is."""
    queue.add([])
    assert len(queue) == 0


def test_a_lost_claim_changes_nothing(redis, queue, other, clock):
    """Whatever a worker says of a claim that another has taken over, the other's stays as it is."""
    queue.add([("a", "begun")])
    (lost,) = queue.claim(1, owner="host-1")
    clock.advance(LEASE)
    (theirs,) = other.claim(1, owner="host-2")
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    assert not queue.again(lost, "stale", 0)
    assert not queue.done(lost)
    assert not queue.renew(lost)
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before
    assert queue.claim(1) == []
    assert other.done(theirs)
    assert len(queue) == 0


def test_a_lost_claim_of_the_same_owner(queue, other, clock):
    """Two claims of one owner are two: a thread that hung changes nothing of what its own process took up again."""
    queue.add([("a", "")])
    (lost,) = queue.claim(1, owner="host-1")
    clock.advance(LEASE)
    (ours,) = queue.claim(1, owner="host-1")
    assert not queue.done(lost)
    assert queue.done(ours)


def test_a_token_never_comes_twice(queue, clock):
    """A claim that was lost long ago is not taken for one of the same key that was done and added anew."""
    queue.add([("a", "")])
    (lost,) = queue.claim(1)
    clock.advance(LEASE)
    (claim,) = queue.claim(1)
    queue.done(claim)
    queue.add([("a", "")])
    queue.claim(1)
    assert not queue.done(lost)
    assert len(queue) == 1


def test_renewed(queue, other, clock):
    """A claim that is renewed lasts a whole lease from then on."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    clock.advance(LEASE - 1)
    assert queue.renew(claim)
    clock.advance(LEASE - 1)
    assert other.claim(1) == []
    clock.advance(1)
    assert keys(other.claim(1)) == ["a"]


def test_what_ran_out_and_was_not_taken_over_still_counts(queue, clock):
    """Work that took longer than a lease is not lost where no other worker began it."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    clock.advance(2 * LEASE)
    assert queue.done(claim)
    assert len(queue) == 0


def test_added_and_claimed_at_once(queue, other):
    """Whoever adds a key to begin at once has it, and no other worker gets in between."""
    assert seen(queue.add_claimed(["a", "b"], owner="host-1")) == [("a", "", 1), ("b", "", 1)]
    assert other.claim(10) == []


def test_what_another_worker_has_is_due_once_more(queue, other):
    """A key that is being worked on is not taken, and is looked after again when it is given back."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    assert other.add_claimed(["a"]) == []
    queue.done(claim)
    assert seen(other.claim(1)) == [("a", "", 2)]


def test_a_key_that_waits_keeps_its_checkpoint(queue):
    """What an earlier worker noted of a key is told to the one that begins at once."""
    queue.add([("a", "noted")])
    assert seen(queue.add_claimed(["a"])) == [("a", "noted", 2)]
    assert queue.claim(10) == []


def test_a_lease_that_ran_out_is_claimed(queue, other, clock):
    """A key of a dead worker is taken by whoever adds it."""
    queue.add_claimed(["a"])
    clock.advance(LEASE)
    assert keys(other.add_claimed(["a"])) == ["a"]


def test_put_off(queue, clock):
    """A key that is given back until later comes again by then, with its checkpoint."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    assert queue.put_off(claim, "half done", 2) is None
    clock.advance(1.999)
    assert queue.claim(1) == []
    clock.advance(0.001)
    assert seen(queue.claim(1)) == [("a", "half done", 1)]


def test_put_off_for_good(queue):
    """A key that is given back for good leaves the queue."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    assert queue.put_off(claim, "", None) is None
    assert len(queue) == 0


@pytest.mark.parametrize("seconds", [2, None])
def test_asked_for_while_claimed(queue, other, seconds):
    """A key that was asked for since it was claimed is not given back: the claim goes on, and no other gets it."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    assert other.add_claimed(["a"]) == []
    after = queue.put_off(claim, "half done", seconds)
    assert (after.checkpoint, after.generation, after.token) == ("half done", 2, claim.token)
    assert other.claim(1) == []
    assert queue.put_off(after, "", None) is None
    assert len(queue) == 0


def test_put_off_by_a_worker_that_comes_late(queue, other, clock):
    """Whoever lost a claim changes nothing, and hears of it."""
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    clock.advance(LEASE)
    other.claim(1)
    with pytest.raises(ClaimLost):
        queue.put_off(claim, "", None)
    assert len(queue) == 1
