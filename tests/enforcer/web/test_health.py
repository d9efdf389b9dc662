from __future__ import annotations

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from redis.exceptions import OutOfMemoryError

from enforcer.store.heartbeats import Heartbeats
from enforcer.store.log import Log
from enforcer.store.wakeups import Task
from enforcer.web.app import create_app
from tests.fakes.events import digest, push
from tests.fakes.settings import settings


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def client(server):
    return create_app(settings(), FakeStrictRedis(server=server)).test_client()


def test_alive_whatever_redis_does(server, client):
    """A process that answers is alive, also while Redis is away: restarting it would not help."""
    assert client.get("/healthz").json == {"ok": True}
    server.connected = False
    assert client.get("/healthz").status_code == 200


def test_ready_with_what_is_waiting(server, client):
    """A process that can accept notifications is ready, and says how many events nobody has judged yet."""
    assert (client.get("/readyz").status_code, client.get("/readyz").json) == (200, {"ok": True, "events_waiting": 0})
    Log(FakeStrictRedis(server=server)).append([push("e", digest(1))])
    assert client.get("/readyz").json["events_waiting"] == 1


def test_not_ready_without_redis(server, client):
    """503 while Redis is away, and 200 again as soon as it is back; the answer names what fails and no address."""
    server.connected = False
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"ok": False, "failing": {"redis": "ConnectionError"}})
    server.connected = True
    assert client.get("/readyz").status_code == 200


def test_not_ready_without_workers(server):
    """Where the workers belong to the installation it is ready when those run that record and keep what is pushed."""
    redis = FakeStrictRedis(server=server)
    client = create_app(settings(), redis, needs_workers=True).test_client()
    heartbeats = Heartbeats(redis)
    heartbeats.beat(Task.DRAIN)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["failing"]) == (503, {"workers": "no worker runs for keep"})
    heartbeats.beat(Task.KEEP)
    assert client.get("/readyz").status_code == 200


class FullRedis(FakeStrictRedis):
    """A Redis that has no room for anything more."""

    def set(self, *_: object, **__: object) -> None:
        raise OutOfMemoryError("OOM")


def test_not_ready_when_nothing_can_be_written(server):
    """A Redis that only reads, or is full, accepts no event."""
    client = create_app(settings(), FullRedis(server=server)).test_client()
    assert client.get("/readyz").status_code == 503
