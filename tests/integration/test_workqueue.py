"""The work queue on a real server, by that server's own clock."""

from __future__ import annotations

import pytest
from redis import Redis

from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue


@pytest.fixture
def redis(redis_server):
    with Redis(port=redis_server.port) as redis:
        yield redis


def end_leases(redis):
    """Let the leases of all claims of restores end now."""
    for key in redis.zrange("te:{restore}:claimed", 0, -1):
        redis.zadd("te:{restore}:claimed", {key: 0})


def test_a_lost_claim_changes_nothing(redis):
    """A claims, its lease ends, B claims: whatever A says late of its claim, B's stays as it is."""
    first, second = WorkQueue(redis, Task.RESTORE), WorkQueue(redis, Task.RESTORE)
    first.add([("a", "begun")])
    (lost,) = first.claim(1, owner="host-1")
    end_leases(redis)
    (theirs,) = second.claim(1, owner="host-2")
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    assert not first.again(lost, "stale", 0)
    assert not first.done(lost)
    assert not first.renew(lost)
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before
    assert first.claim(1) == []
    assert second.again(theirs, "half done", 0)
    (claim,) = first.claim(1)
    assert (claim.checkpoint, claim.generation) == ("half done", 1)


def test_the_clock_is_the_servers(redis):
    """What is put off waits for the server's clock, and a renewed claim ends by it."""
    queue = WorkQueue(redis, Task.RESTORE)
    queue.add([("a", "")])
    (claim,) = queue.claim(1)
    end_leases(redis)
    assert queue.is_due()
    assert queue.renew(claim)
    assert not queue.is_due()
    assert queue.again(claim, "", 30)
    assert (queue.is_due(), queue.is_busy(29), queue.is_busy(31)) == (False, False, True)
