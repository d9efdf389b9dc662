"""The long form of tests/worker/test_pipeline.py: SEQUENCES in all, in parts that run side by side."""

from __future__ import annotations

import os

import pytest

from tests.fakes.machine import in_memory, run_pipeline

SEQUENCES = int(os.environ.get("SEQUENCES", "20000"))
PART = 500


@pytest.mark.parametrize("sequences", [min(PART, SEQUENCES - begun) for begun in range(0, SEQUENCES, PART)])
def test_pipeline(sequences):
    """The records and violations of all tags, what became of these, and what the registry holds."""
    run_pipeline(in_memory, sequences)
