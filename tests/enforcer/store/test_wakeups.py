from __future__ import annotations

import json
import zlib

import pytest
from rq.serializers import JSONSerializer

from enforcer.store.limits import JOB_TIMEOUT, WAKE
from enforcer.store.wakeups import AllowedJob, ForbiddenJob, Queues, Task
from tests.fakes.workers import burst, own_signals  # noqa: F401 - a fixture
from worker import jobs


@pytest.fixture
def queues(redis):
    return Queues(redis)


@pytest.mark.parametrize("task", Task)
def test_every_task_has_its_job(task):
    """What RQ is told to call is there, and callable without arguments."""
    module, _, name = task.function.rpartition(".")
    assert module == jobs.__name__
    assert callable(getattr(jobs, name))


def test_no_two_tasks_share_a_flag():
    """The wake-up of one task does not hold up that of another, even where one worker does both."""
    assert len({task.flag for task in Task}) == len(Task)


def test_wake_enqueues_once_while_the_flag_is_up(queues):
    """A job that is on its way finds all that there is to do: no second one is enqueued."""
    assert [queues.wake(Task.DRAIN) for _ in range(3)] == [True, False, False]
    assert queues.of(Task.DRAIN).count == 1


def test_wake_enqueues_again_after_clearing(queues):
    """As soon as a job has begun to look for work, the next wake-up is enqueued."""
    queues.wake(Task.DRAIN)
    queues.clear_wakeup(Task.DRAIN)
    assert queues.wake(Task.DRAIN) is True
    assert queues.of(Task.DRAIN).count == 2


def test_a_lost_wake_up_is_forgotten(redis, queues):
    """The flag falls by itself, so that a job which RQ lost is replaced."""
    queues.wake(Task.KEEP)
    assert 0 < redis.ttl(Task.KEEP.flag) <= WAKE


def test_tasks_are_woken_apart(queues):
    """A flag concerns one task only."""
    assert queues.wake(Task.KEEP) is True
    assert queues.wake(Task.RESTORE) is True
    assert queues.of(Task.KEEP).count == queues.of(Task.RESTORE).count == 1


@pytest.mark.parametrize("task", Task)
def test_every_job_can_be_lost_and_hang_without_harm(queues, task):
    """A job is tried again when its worker dies, is stopped when it hangs, and does not stay for ever in Redis."""
    queues.enqueue(task)
    (job,) = queues.of(task).jobs
    assert job.retries_left == 3
    assert job.timeout == JOB_TIMEOUT
    assert job.result_ttl == 5
    assert job.failure_ttl == 24 * 3600


def test_a_job_is_json_without_arguments(redis, queues):
    """A job says "look", in JSON, and nothing that could be wrong by the time it runs."""
    queues.enqueue(Task.RESTORE)
    (job_id,) = queues.of(Task.RESTORE).job_ids
    data = zlib.decompress(redis.hget(f"rq:job:{job_id}", "data"))
    assert json.loads(data) == ["worker.jobs.restore", None, [], {}]


def plant(redis, data: object, **fields: str) -> str:
    """Put a job into Redis as somebody would who can write there, and has no use for our code."""
    job_id = "planted"
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    known = {
        "data": zlib.compress(text),
        "status": "queued",
        "origin": Task.DRAIN.queue,
        "created_at": "2026-11-22T04:00:00.000000Z",
        "enqueued_at": "2026-11-22T04:00:00.000000Z",
        "timeout": "60",
    }
    redis.hset(f"rq:job:{job_id}", mapping=known | fields)
    redis.sadd("rq:queues", f"rq:queue:{Task.DRAIN.queue}")
    redis.rpush(f"rq:queue:{Task.DRAIN.queue}", job_id)
    return job_id


@pytest.fixture
def drained(monkeypatch):
    """How often our own drain ran."""
    ran = []
    monkeypatch.setattr(jobs, "drain", lambda: ran.append(1))
    return ran


def test_our_own_job_runs(redis, queues, drained):
    """What we enqueue ourselves is run by a worker: the tests below would pass with one that runs nothing."""
    queues.enqueue(Task.DRAIN)
    burst(redis, Task.DRAIN)
    assert drained == [1]


def test_without_the_allow_list_a_planted_job_runs(redis, tmp_path):
    """RQ's own job class runs whatever is named, with JSON too: that is what the allow-list is for."""
    plant(redis, ["os.mkdir", None, [str(tmp_path / "made")], {}])
    burst(redis, Task.DRAIN, job_class=None)
    assert (tmp_path / "made").exists()


@pytest.mark.parametrize(
    "function",
    ["os.mkdir", "worker.jobs._awake", "worker.commands.main.main", "worker.jobs.drain.__class__", "shutil.rmtree", ""],
)
def test_a_foreign_function_is_refused(redis, queues, drained, tmp_path, function):
    """A planted job that names any other function runs nothing, and our own jobs go on."""
    job_id = plant(redis, [function, None, [str(tmp_path / "made")], {}])
    queues.enqueue(Task.DRAIN)
    burst(redis, Task.DRAIN)
    assert not list(tmp_path.iterdir())
    assert drained == [1]
    job = AllowedJob.fetch(job_id, connection=redis, serializer=JSONSerializer)
    assert job.is_failed
    with pytest.raises(ForbiddenJob, match="not a job of Tag Enforcer"):
        _ = job.func


def test_an_instance_is_refused(redis, drained):
    """A method of a planted instance is none of our functions, whatever its name is."""
    job_id = plant(redis, [Task.DRAIN.function, "an instance", [], {}])
    burst(redis, Task.DRAIN)
    assert not drained
    with pytest.raises(ForbiddenJob):
        _ = AllowedJob.fetch(job_id, connection=redis, serializer=JSONSerializer).func


@pytest.mark.parametrize("data", [b"\x80\x04N.", b"no JSON", b'["os.mkdir"]', b"{}", b"[]"])
def test_data_that_is_no_job_is_refused(redis, queues, drained, data):
    """Pickles and anything else that is no job fail alone; the worker goes on with the next."""
    plant(redis, data)
    queues.enqueue(Task.DRAIN)
    burst(redis, Task.DRAIN)
    assert drained == [1]


@pytest.mark.parametrize(("outcome", "fails"), [("success", False), ("failure", True)])
def test_callbacks_are_ignored(monkeypatch, redis, tmp_path, outcome, fails):
    """A callback planted beside one of our own functions does not run, whether the job succeeds or fails."""

    def drain() -> None:
        if fails:
            raise RuntimeError

    monkeypatch.setattr(jobs, "drain", drain)
    made = tmp_path / "made"
    plant(redis, [Task.DRAIN.function, None, [], {}], **{f"{outcome}_callback_name": "tests.fakes.workers.make"})
    monkeypatch.setenv("TAG_ENFORCER_TEST_MAKES", str(made))
    burst(redis, Task.DRAIN)
    assert not made.exists()


def test_a_callback_for_stopping_is_ignored(redis):
    """The third kind of callback is none either."""
    job_id = plant(redis, [Task.DRAIN.function, None, [], {}], stopped_callback_name="os.getpid")
    assert AllowedJob.fetch(job_id, connection=redis, serializer=JSONSerializer).stopped_callback is None


@pytest.mark.parametrize("status", ["finished", "failed"])
def test_webhooks_are_ignored(monkeypatch, redis, status):
    """A planted job cannot make a worker ask an address of somebody's choice."""
    asked = []
    monkeypatch.setattr("rq.webhook.urlopen", lambda *given, **_: asked.append(given))
    monkeypatch.setattr(jobs, "drain", (lambda: 1 / 0) if status == "failed" else (lambda: None))
    hooks = json.dumps([{"url": "http://127.0.0.1:9/", "job_status": status}])
    plant(redis, [Task.DRAIN.function, None, [], {}], webhooks=hooks)
    burst(redis, Task.DRAIN)
    assert not asked


def test_a_failed_job_is_tried_again(monkeypatch, redis, queues):
    """A job that fails runs again, three times, and then no more."""
    ran = []

    def drain() -> None:
        ran.append(1)
        raise RuntimeError

    monkeypatch.setattr(jobs, "drain", drain)
    queues.enqueue(Task.DRAIN)
    burst(redis, Task.DRAIN)
    assert len(ran) == 4
