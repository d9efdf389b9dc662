"""Whatever happens, and however it becomes known, the pipeline ends as the model says; with a Redis in memory."""

from __future__ import annotations

import pytest

from tests.fakes.machine import in_memory, run_pipeline


@pytest.mark.usefixtures("unmeasured")
def test_pipeline():
    """The records and violations of all tags, what became of these, and what the registry holds."""
    run_pipeline(in_memory, sequences=250)
