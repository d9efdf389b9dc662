from __future__ import annotations

import pytest

from tests.integration.servers import start_redis, start_registry


@pytest.fixture
def registry(tmp_path):
    """An empty docker-registry without authentication."""
    registry = start_registry(tmp_path / "registry")
    yield registry
    registry.stop()


@pytest.fixture
def redis_server(tmp_path):
    """An empty redis-server that keeps what it has answered for."""
    server = start_redis(tmp_path / "redis")
    yield server
    server.stop()
