from __future__ import annotations

import os
import signal
import sys
from contextlib import nullcontext

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import settings

from tests.fakes.clock import RedisClock

pytest_plugins = ["tests.no_skips"]

settings.register_profile("quick", max_examples=200, deadline=None)
settings.register_profile("thorough", max_examples=5000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_configure():
    """In what a shell starts in the background SIGINT is ignored, and so it would be in what the tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def redis():
    """An empty Redis of the test's own, whose scripts go by the real clock until the test gives another."""
    redis = FakeStrictRedis(server=FakeServer())
    redis.clock = RedisClock(redis)
    return redis


@pytest.fixture
def database(monkeypatch, redis):
    """The Redis that commands find, whatever the settings say."""
    monkeypatch.setattr("enforcer.store.connection.connect", lambda *_: redis)
    monkeypatch.setattr("enforcer.store.embedded.running", lambda *_: nullcontext())
    return redis


@pytest.fixture
def unmeasured():
    """Nothing counts for coverage meanwhile: for what would take twice as long, and covers nothing that is not covered.

    pytest-cov's `no_cover` stops only its own; in a worker of xdist there is one more that began with the process.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)
