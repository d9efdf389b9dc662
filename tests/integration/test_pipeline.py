"""Whatever happens, and however it becomes known, the pipeline ends as the model says; with a real Redis."""

from __future__ import annotations

from functools import partial

import pytest
from redis import Redis

from tests.fakes.machine import run_pipeline
from tests.integration.servers import start_redis


@pytest.fixture
def port(tmp_path):
    """That of a Redis in which nothing has to outlive it."""
    server = start_redis(tmp_path / "redis", appendonly=False)
    yield server.port
    server.stop()


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("part", range(3))
def test_pipeline(port, part):
    """The same machine as with a Redis in memory, which takes twice as long; the parts run side by side."""

    def emptied():
        connect = partial(Redis, port=port)
        connect().flushall()
        return connect

    run_pipeline(emptied, sequences=250)
