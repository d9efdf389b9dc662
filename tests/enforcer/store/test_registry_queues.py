from __future__ import annotations

import pytest

from enforcer.store.registry_queues import RegistryQueues
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from tests.fakes.events import MAIN

OTHER = type(MAIN)("other")


@pytest.fixture
def queues(redis):
    return RegistryQueues(redis, Task.RESTORE, [MAIN, OTHER])


def keys(claims):
    return sorted(claim.key for claim in claims)


def test_a_registry_with_much_to_do_stands_in_front_of_no_other(queues):
    """Of each registry something is claimed, however much waits for one."""
    queues.add((f"main/team/app:{number}", "") for number in range(20))
    queues.add([("other/team/app:1", "")])
    assert keys(queues.claim(2))[-1] == "other/team/app:1"


def test_what_another_host_knows_is_left_to_it(redis, queues):
    """A registry that is not configured here is neither claimed nor counted, and nothing of it is lost."""
    here = RegistryQueues(redis, Task.RESTORE, [MAIN])
    here.add([("other/team/app:1", "")])
    assert (here.claim(10), len(here), here.is_due()) == ([], 0, False)
    assert keys(queues.claim(10)) == ["other/team/app:1"]


def test_the_single_queue_of_earlier_releases(redis, queues):
    """What waits there is taken over, with its checkpoint."""
    WorkQueue(redis, Task.RESTORE).add([("main/team/app:1", "half done")])
    assert queues.is_due()
    queues.take_over()
    (claim,) = queues.claim(10)
    assert (claim.key, claim.checkpoint) == ("main/team/app:1", "half done")
    assert len(WorkQueue(redis, Task.RESTORE)) == 0


def test_added_and_claimed(queues):
    """Of each registry, and what is claimed already is not."""
    queues.add([("main/team/app:1", "")])
    queues.claim(1)
    claims = queues.add_claimed(["main/team/app:1", "main/team/app:2", "other/team/app:1"], owner="host-1")
    assert keys(claims) == ["main/team/app:2", "other/team/app:1"]
    assert queues.generation("main/team/app:1") == 2


def test_a_dead_worker(queues):
    """What it had of any registry is taken back."""
    queues.add_claimed(["main/team/app:1", "other/team/app:1"], owner="host-1")
    assert queues.take_back("host-1") == 2
    assert queues.is_due_within(0)
    assert len(queues.claim(10)) == 2
