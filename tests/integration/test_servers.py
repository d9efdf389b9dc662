"""What the other integration tests rely on: that a killed Redis has kept what it answered for."""

from __future__ import annotations

import pytest
import redis

from tests.integration.servers import start_redis, start_registry

pytestmark = pytest.mark.integration


def value(server) -> object:
    with redis.Redis.from_url(server.url) as connection:
        return connection.get("key")


def test_redis_keeps_what_it_answered_for(redis_server):
    """Every answered write survives a kill, on the same port."""
    url = redis_server.url
    with redis.Redis.from_url(url) as connection:
        connection.set("key", "value")

    redis_server.kill()
    with pytest.raises(redis.ConnectionError):
        value(redis_server)
    redis_server.start()

    assert value(redis_server) == b"value"
    assert redis_server.url == url


def test_redis_without_a_file_forgets(tmp_path):
    """With `appendonly=False` a restart begins with nothing."""
    server = start_redis(tmp_path / "volatile", appendonly=False)
    try:
        with redis.Redis.from_url(server.url) as connection:
            connection.set("key", "value")
        server.restart()

        assert value(server) is None
    finally:
        server.stop()


def test_server_that_does_not_start(tmp_path):
    """A server that cannot start says why, and nothing is left running."""
    with pytest.raises(RuntimeError, match=r"docker-registry did not start[\s\S]*storage"):
        start_registry(tmp_path / "broken", extra={"storage": {"filesystem": None, "nonsense": {}}})
