from __future__ import annotations

import pytest

from enforcer.names import Digest
from enforcer.store.wakeups import Task
from tests.fakes.events import APP, MAIN, NAME, digest, push
from tests.fakes.images import image
from tests.fakes.receiver import FakeReceiver
from tests.fakes.violations import violation
from worker import jobs
from worker.enforcement.keep import keep_item


@pytest.fixture(autouse=True)
def _own_contexts(monkeypatch):
    monkeypatch.setattr(jobs, "_contexts", [])


@pytest.mark.parametrize("task", Task)
def test_each_job_lowers_its_flag_before_it_looks(context, task):
    """A wake-up that comes while a job runs is enqueued: the job may have looked already."""
    jobs.work_with(context)
    context.queues.wake(task)
    getattr(jobs, task.value)()
    assert context.queues.wake(task) is True


def test_drain(context):
    """The job `drain` judges the log."""
    jobs.work_with(context)
    context.log.append([push("e", digest(1))])
    assert jobs.drain() == 1
    assert context.ledger.state(NAME).record is not None


def test_keep(context, registry):
    """The job `keep` fetches manifests."""
    jobs.work_with(context)
    kept = registry.put_manifest(APP, "1.0", image("original"))
    context.keeps.add([(keep_item(MAIN, APP, kept), "")])
    assert jobs.keep() == 1
    assert context.ledger.keeps(MAIN, APP, kept)


def test_restore(scene, context):
    """The job `restore` puts tags back, and leaves the looks for later."""
    jobs.work_with(context)
    original = scene.record()
    scene.overwrite()
    assert jobs.restore() == 1
    assert scene.digest == original
    assert len(context.restores) == 1


def test_restore_many_side_by_side(scene, context, registry):
    """Many tags take little longer than one: their restores wait for the network together."""
    jobs.work_with(context)
    tags = [f"v{number}" for number in range(50)]
    original, other = image("original"), image("other")
    for tag in tags:
        scene.tell(push(f"{tag}-first", registry.put_manifest(APP, tag, original), scene.now(), tag=tag))
        scene.tell(push(f"{tag}-then", registry.put_manifest(APP, tag, other), scene.now(), tag=tag))
    scene.keep_all()
    registry.latency = 0.05
    registry.requests.clear()
    registry.most_at_once = 0
    assert jobs.restore() == len(tags)
    assert registry.most_at_once > 4
    assert {registry.tag_digest(APP, tag) for tag in tags} == {Digest.of(original)}
    assert [method for method, _ in registry.requests] == ["PUT"] * len(tags)


def test_alert(make_context):
    """The job `alert` delivers what was announced."""
    with FakeReceiver() as receiver:
        context = make_context(alerts={"webhook_url": receiver.url, "webhook_secret": "geheim"})
        jobs.work_with(context)
        context.alerts.announce_violations([violation(1), violation(2)])
        assert jobs.alert() == 2
        assert len(receiver.received) == 2
