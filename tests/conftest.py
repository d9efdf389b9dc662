from __future__ import annotations

import os

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import settings

pytest_plugins = ["tests.no_skips"]

settings.register_profile("quick", max_examples=200, deadline=None)
settings.register_profile("thorough", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture
def redis():
    """An empty Redis of the test's own."""
    return FakeStrictRedis(server=FakeServer())
