from __future__ import annotations

import threading
import time

import pytest

from enforcer.judgement.record import NOWHERE, Record, TagState
from enforcer.names import Digest, TagName
from enforcer.store.ledger import Change
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME
from tests.fakes.images import image
from tests.fakes.pools import AtOnce, Full
from tests.fakes.settings import registry_table
from worker.enforcement.dispatcher import Dispatcher, hand_over, restore_at_once, restore_due
from worker.pool import Precedence, RegistryPools

OTHER = type(MAIN)("other")


@pytest.fixture
def pools():
    pools = RegistryPools()
    yield pools
    pools.close()


def test_at_once(scene):
    """A tag is put right in the process that judged, before anything else is; the looks come later."""
    original = scene.record()
    pools = AtOnce()
    scene.registry.put_manifest(APP, NAME.tag, image("other"))
    restore_at_once(scene.context, pools, [NAME])
    assert (scene.digest, pools.taken) == (original, [Precedence.FIRST_ANSWER])
    assert scene.context.restores.is_due_within(1)


def test_judged_and_put_right(scene):
    """A worker with pools needs no second job for the first answer."""
    original = scene.record()
    scene.context.pools = AtOnce()
    scene.overwrite()
    assert scene.digest == original


def test_asked_for_once_more(scene):
    """What another worker has is left to that worker, which hears of it."""
    scene.record()
    scene.context.restores.add([(str(NAME), "")])
    (claim,) = scene.context.restores.claim(1)
    pools = AtOnce()
    restore_at_once(scene.context, pools, [NAME])
    assert pools.taken == []
    hand_over(scene.context, pools, claim)
    assert [method for method, _ in scene.registry.requests].count("PUT") == 2
    assert pools.taken == [Precedence.FIRST_ANSWER, Precedence.FIGHT]


def test_a_full_pool(scene):
    """What finds no room is due at once for another worker."""
    scene.record()
    restore_at_once(scene.context, Full(), [NAME])
    assert [claim.key for claim in scene.context.restores.claim(1)] == [str(NAME)]


def test_a_registry_that_is_away_is_not_asked_at_once(scene):
    """It is probed, and the tag waits in its queue."""
    scene.record()
    scene.registry.fail_with(503)
    scene.overwrite()
    scene.step()
    pools = AtOnce()
    restore_at_once(scene.context, pools, [NAME])
    assert (pools.taken, scene.context.restores.is_due()) == ([], True)


def test_one_probe_for_all_that_wait(scene, pools):
    """Of many tags one is tried; its good answer has all the others put right."""
    digest = scene.record()
    names = [TagName(MAIN, APP, type(NAME.tag)(f"v{number}")) for number in range(20)]
    for name in names:
        record(scene.context, name, digest)
    scene.registry.fail_with(503)
    scene.overwrite()
    scene.step()
    scene.context.restores.add((str(name), "") for name in names)
    scene.registry.requests.clear()
    scene.registry.fail_with(503)
    scene.clock.advance(1)
    Dispatcher(scene.context, pools).run()
    assert scene.methods == ["PUT"]
    scene.clock.advance(10)
    assert restore_due(scene.context) == 21
    assert set(scene.registry.tags[APP].values()) == {digest}


def test_a_registry_that_hangs_costs_others_nothing(make_context, registry, pools):
    """Its steps fill its own pool, and the dispatcher does not wait for them."""
    tables = {name: registry_table(registry.url) for name in ("main", "other")}
    context = make_context(registries=tables)
    free, begun = threading.Event(), []
    context.registries[OTHER] = Hanging(free)
    digest = registry.put_manifest(APP, "1.0", image("original"))
    for registry_name in (MAIN, OTHER):
        for number in range(20):
            name = TagName(registry_name, APP, type(NAME.tag)(f"v{number}"))
            record(context, name, digest)
            context.restores.add([(str(name), "")])
    began = time.monotonic()
    thread = threading.Thread(target=lambda: begun.append(Dispatcher(context, pools).run(budget=3)))
    thread.start()
    while len(registry.tags[APP]) < 21 and time.monotonic() < began + 3:
        time.sleep(0.01)
    thread.join()
    free.set()
    assert len(registry.tags[APP]) == 21
    assert time.monotonic() - began < 6


class Hanging:
    """A registry's client that answers nothing until it is told to."""

    def __init__(self, free: threading.Event) -> None:
        self._free = free

    def put(self, *_: object) -> None:
        self._free.wait(30)


def record(context, name: TagName, digest: Digest) -> None:
    """Have a tag recorded, without an event."""
    state = TagState(Record(digest=digest, time=Time.now()), NOWHERE, 1)
    context.ledger.write([Change(name, 0, state, (), 0)])
