from __future__ import annotations

import time

import pytest

from enforcer.judgement.violation import State
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.store.log import GROUP, LOG
from enforcer.store.wakeups import Task
from tests.fakes.clock import Clock
from tests.fakes.events import APP, MAIN, NAME, push
from tests.fakes.images import image, index
from tests.fakes.receiver import FakeReceiver
from tests.fakes.scans import FAST, announce, push_tags, record_of
from worker.commands import burst as burst_module
from worker.commands.burst import keep_all, restore_all, work_off

A, B = image("a"), image("b")


@pytest.fixture
def clock(monkeypatch, redis):
    clock = Clock(time.time() + 1)  # later than what is made before
    redis.clock.clock = clock
    monkeypatch.setattr(burst_module, "time", clock)
    return clock


@pytest.fixture
def hook():
    with FakeReceiver() as hook:
        yield hook


@pytest.fixture
def context(make_context, hook, clock):
    return make_context(sweep_rate=FAST, alerts={"webhook_url": hook.url, "webhook_secret": "geheim"})


def test_works_everything_off(context, registry, hook):
    """Baseline, log, manifests, restores with all their looks, and alerts: nothing is left."""
    push_tags(registry, "team/app", 3, A)
    assert work_off(context) == []
    assert record_of(context, "team/app:v001").digest == Digest.of(A)
    registry.put_manifest("team/app", "v001", B)
    announce(context, "team/app:v001", Digest.of(B))
    registry.put_manifest("team/app", "v002", B)
    context.sweeps.add([("main", "")])
    context.log.append([push("late", Digest.of(A), tag="new")])
    registry.put_manifest("team/app", "new", A)
    assert work_off(context) == []
    assert set(registry.tags["team/app"].values()) == {Digest.of(A)}
    assert {violation.state for violation in context.violations.newest()} == {State.RESTORED}
    assert len(hook.received) == 4  # of each tag when it begins and when it is over
    assert record_of(context, "team/app:new") is not None
    assert context.log.waiting() == 0
    queues = (context.baselines, context.sweeps, context.keeps, context.restores, context.alerts.queue)
    assert [len(queue) for queue in queues] == [0] * 5


def test_many_that_wait_for_the_same_are_left(context, registry):
    """A burst ends even where there is always another one that is tried again soon: here, of eight baselines."""
    registry.stop()
    context.baselines.add([(f"main/team-{number}", "") for number in range(8)])
    assert work_off(context) == [Task.BASELINE]


def test_what_nobody_answers_is_left(context, registry, hook):
    """A burst does not wait for ever for a registry or a channel that is away: it says what is left."""
    push_tags(registry, "team/app", 1, A)
    work_off(context)
    hook.status = 503
    registry.put_manifest("team/app", "v000", B)
    announce(context, "team/app:v000", Digest.of(B))
    assert work_off(context) == [Task.ALERT]
    registry.read_only = True
    registry.put_manifest("team/app", "v000", B)
    announce(context, "team/app:v000", Digest.of(B))
    assert work_off(context) == [Task.RESTORE, Task.ALERT]


def test_what_a_dead_worker_had_read(context):
    """Events that a worker had read when it died are judged as soon as they may be taken over."""
    context.log.append([push("1", Digest.of(A))])
    context.log.open()
    context.redis.xreadgroup(GROUP, "dead", {LOG: ">"})
    context.redis.xclaim(LOG, GROUP, "dead", 0, [context.redis.xrange(LOG)[0][0]], idle=100_000)
    work_off(context)
    assert record_of(context, "team/app:1.0").digest == Digest.of(A)


def test_keep_all(context, registry):
    """Everything that is to be kept is fetched, the manifests of an index after it."""
    child = registry.put_manifest(APP, None, A)
    whole = registry.put_manifest(APP, "1.0", index(A), OCI_INDEX)
    context.keeps.add([(f"main/{APP}@{whole}", "")])
    keep_all(context)
    assert context.ledger.keeps(MAIN, APP, whole)
    assert context.ledger.keeps(MAIN, APP, child)


def test_restore_all(context, registry, clock):
    """It ends when the tags are restored and the last look has been, whatever else is waiting."""
    push_tags(registry, "team/app", 1, A)
    work_off(context)
    registry.put_manifest("team/app", "v000", B)
    announce(context, "team/app:v000", Digest.of(B))
    context.restores.add([("main/team/app:elsewhere", "")])
    name = type(NAME).parse("main/team/app:v000")
    assert restore_all(context, [name]) == []
    assert registry.tag_digest("team/app", "v000") == Digest.of(A)
    assert context.violations.count_open() == 0


def test_restore_all_gives_up(context, registry, clock):
    """It does not wait for ever: what the registry does not take is told."""
    push_tags(registry, "team/app", 1, A)
    work_off(context)
    registry.read_only = True
    registry.put_manifest("team/app", "v000", B)
    announce(context, "team/app:v000", Digest.of(B))
    name = type(NAME).parse("main/team/app:v000")
    began = clock.now
    assert restore_all(context, [name]) == [name]
    assert clock.now - began < 600


def test_restore_all_of_what_is_not_restorable(context, registry):
    """What is given up is told too."""
    announce(context, "team/app:1", Digest.of(A))
    registry.put_manifest("team/app", "1", B)
    announce(context, "team/app:1", Digest.of(B))
    name = type(NAME).parse("main/team/app:1")
    assert restore_all(context, [name]) == [name]
    assert len(context.restores) == 0
