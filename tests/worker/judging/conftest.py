from __future__ import annotations

import time

import pytest

from enforcer.names import Tag
from enforcer.store.log import Log
from enforcer.store.sources import Sources
from tests.fakes.clock import Clock
from tests.fakes.events import MAIN, digest, push


@pytest.fixture
def redis_clock(redis):
    """Redis's clock, by which the registry's goes too; a process of that was heard of a second ago."""
    clock = Clock(time.time() + 1)
    redis.clock.clock = clock
    Sources(redis).note_clock(MAIN, clock.read())
    Log(redis).append([push("heard-of", digest(9), clock.read(), tag=Tag("other"), source="a-process")])
    clock.advance(1)
    return clock
