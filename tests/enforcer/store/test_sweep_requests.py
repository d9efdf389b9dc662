from __future__ import annotations

import pytest

from enforcer.store.sweep_requests import QUIET, SweepRequests
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue


@pytest.fixture
def sweeps(redis):
    return WorkQueue(redis, Task.SWEEP)


@pytest.fixture
def requests(redis, sweeps):
    return SweepRequests(redis, sweeps, Queues(redis))


def started(sweeps):
    claims = sweeps.claim(10)
    for claim in claims:
        sweeps.done(claim)
    return [claim.key for claim in claims]


def test_the_first_request_starts_a_sweep(requests, sweeps):
    """Something happened that no event told: it is found at once."""
    requests.ask("main")
    assert started(sweeps) == ["main"]


def test_further_requests_are_one_sweep_a_minute_later(redis, requests, sweeps):
    """However many there are, and none is forgotten."""
    requests.ask("main")
    started(sweeps)
    for _ in range(5):
        requests.ask("main")
    assert started(sweeps) == []
    assert 0 < redis.ttl("te:sweep:quiet:main") <= QUIET
    redis.delete("te:sweep:quiet:main")  # a minute later
    requests.start_due()
    assert started(sweeps) == ["main"]
    redis.delete("te:sweep:quiet:main")
    requests.start_due()
    assert started(sweeps) == []


def test_registries_do_not_wait_for_each_other(requests, sweeps):
    """Each has its own minute."""
    requests.ask("main")
    requests.ask("other")
    assert sorted(started(sweeps)) == ["main", "other"]
