"""Whatever happens, and however it becomes known, the pipeline ends as the model says; with a real Redis."""

from __future__ import annotations

from functools import partial

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

from tests.fakes.machine import STEPS, Pipeline

SEQUENCES = 500


def test_pipeline(redis_server):
    """The same machine as with a Redis in memory."""

    def emptied():
        connect = partial(Redis, port=redis_server.port)
        connect().flushall()
        return connect

    sequences = settings(max_examples=SEQUENCES, stateful_step_count=STEPS, deadline=None)
    run_state_machine_as_test(lambda: Pipeline(emptied), settings=sequences)
