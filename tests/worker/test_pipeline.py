"""Whatever happens, and however it becomes known, the pipeline ends as the model says; with a Redis in memory."""

from __future__ import annotations

import os
from functools import partial

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fakes.machine import STEPS, Pipeline

SEQUENCES = int(os.environ.get("PIPELINE_SEQUENCES", "5000"))
PARTS = 5
"""They run side by side, and share nothing."""


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("part", range(PARTS))
def test_pipeline(part):
    """The records and violations of all tags, what became of these, and what the registry holds."""
    sequences = settings(max_examples=SEQUENCES // PARTS, stateful_step_count=STEPS, deadline=None)
    run_state_machine_as_test(lambda: Pipeline(_memory), settings=sequences)


def _memory():
    return partial(FakeStrictRedis, server=FakeServer())
