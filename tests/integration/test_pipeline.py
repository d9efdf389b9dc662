"""Whatever happens, and however it becomes known, the pipeline ends as the model says; with a real Redis."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

from tests.fakes.machine import STEPS, Pipeline
from tests.integration.servers import start_redis

SEQUENCES = 500


@pytest.fixture
def port(tmp_path):
    """That of a Redis in which nothing has to outlive it."""
    server = start_redis(tmp_path / "redis", appendonly=False)
    yield server.port
    server.stop()


@pytest.mark.usefixtures("unmeasured")
def test_pipeline(port):
    """The same machine as with a Redis in memory."""

    def emptied():
        connect = partial(Redis, port=port)
        connect().flushall()
        return connect

    sequences = settings(max_examples=SEQUENCES, stateful_step_count=STEPS, deadline=None)
    run_state_machine_as_test(lambda: Pipeline(emptied), settings=sequences)
