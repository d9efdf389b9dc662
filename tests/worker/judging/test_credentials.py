from __future__ import annotations

import time

import pytest

from tests.fakes.events import MAIN
from tests.fakes.registry import FakeRegistry
from tests.fakes.settings import registry_table
from worker.judging.credentials import learn, learn_all
from worker.scanning.sweep import sweep

OPS = ("ops", "swordfish")


@pytest.fixture
def locked():
    with FakeRegistry(basic=OPS) as registry:
        yield registry


def test_all_registries(make_context, registry, locked):
    """Of each registry it is learnt whether it asks for credentials, before the first event is judged."""
    tables = {"main": registry_table(registry.url), "locked": registry_table(locked.url)}
    context = make_context(registries=tables)
    learn_all(context)
    assert context.policies.current().asking == {"locked"}
    assert all(map(context.stores.credentials.knows, context.registries))


def test_registry_that_is_away(context, registry):
    """Without an answer what was known holds."""
    context.stores.credentials.note(MAIN, asks=True)
    registry.fail_with(503)
    learn(context, MAIN)
    assert context.policies.current().asking == {MAIN}


def test_registry_that_hangs(context, registry):
    """A start waits for a registry for a moment, and not at all for one of which it is known."""
    registry.latency = 1
    began = time.monotonic()
    learn_all(context, patience=0.1)
    assert time.monotonic() - began < 0.8
    context.stores.credentials.note(MAIN, asks=True)
    began = time.monotonic()
    learn_all(context)
    assert time.monotonic() - began < 0.8


def test_sweep(context):
    """Each sweep learns it anew: a registry may have been given accounts since."""
    context.sweeps.add([("main", "")])
    (claim,) = context.sweeps.claim(1)
    sweep(context, claim)
    assert context.stores.credentials.knows(MAIN)
