from __future__ import annotations

import random

import pytest

from enforcer.alerts.message import Alert, Severity
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.store.limits import LEASE
from tests.fakes.events import APP, MAIN
from tests.fakes.images import SCHEMA_1, image, index, schema_1
from tests.fakes.pools import AtOnce, Full
from worker.enforcement import keep as keep_module
from worker.enforcement import manifest_tree
from worker.enforcement.keep import GIVE_UP, Keep, keep, keep_at_once, keep_item
from worker.pool import Precedence

IMAGE, CHILDREN = image("original"), [image("amd64"), image("arm64")]
INDEX = index(*CHILDREN)


@pytest.fixture(autouse=True)
def _clock(clock):
    """Time stands still."""


def ask(context, digest: Digest) -> None:
    context.keeps.add([(keep_item(MAIN, APP, digest), "")])


def work_off(context) -> int:
    """Do what is due; returns how many steps that took."""
    steps = 0
    while claims := context.keeps.claim(10):
        for claim in claims:
            keep(context, claim)
        steps += len(claims)
    return steps


def test_a_manifest_is_kept_as_it_is(context, registry):
    """The bytes and the media type are kept, under the digest."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    ask(context, digest)
    assert work_off(context) == 1
    kept = context.ledger.kept(MAIN, APP, digest)
    assert (kept.content, kept.digest) == (IMAGE, digest)
    assert registry.requests == [("GET", f"/v2/{APP}/manifests/{digest}")]
    assert len(context.keeps) == 0


def test_the_children_of_an_index_are_kept(context, registry):
    """What an index lists is kept with it: it cannot be put back without."""
    children = [registry.put_manifest(APP, None, child) for child in CHILDREN]
    whole = registry.put_manifest(APP, "1.0", INDEX, OCI_INDEX)
    ask(context, whole)
    assert work_off(context) == 1
    assert all(context.ledger.keeps(MAIN, APP, digest) for digest in [whole, *children])


def test_what_is_kept_is_not_fetched_again(context, registry):
    """A manifest that is kept already costs the registry nothing."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    for _ in range(3):
        ask(context, digest)
        work_off(context)
    assert len(registry.requests) == 1


def test_the_children_of_a_kept_index(context, registry):
    """An index that is kept without its children, since somebody died or read it for another reason, gets them."""
    children = [registry.put_manifest(APP, None, child) for child in CHILDREN]
    whole = registry.put_manifest(APP, "1.0", INDEX, OCI_INDEX)
    context.manifest(MAIN, APP, whole)
    ask(context, whole)
    work_off(context)
    assert all(context.ledger.keeps(MAIN, APP, digest) for digest in children)


def test_a_manifest_that_is_gone(context, registry, caplog):
    """What the registry has not is not asked for again; it is said aloud, since it cannot be restored either."""
    ask(context, Digest.of(IMAGE))
    assert work_off(context) == 1
    assert len(context.keeps) == 0
    assert "is not kept" in caplog.text


def test_a_registry_that_is_away(context, registry, clock, caplog):
    """A registry that does not answer is asked again, ever more rarely, and given up in the end."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    registry.fail_with(503, times=GIVE_UP)
    ask(context, digest)
    steps = 0
    while len(context.keeps):
        steps += work_off(context)
        clock.advance(1)
    assert steps == GIVE_UP
    assert "is not kept" in caplog.text
    assert not context.ledger.keeps(MAIN, APP, digest)


def test_a_registry_that_comes_back(context, registry, clock):
    """After a failure, the manifest is kept with the next try."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    registry.fail_with(503, {"Retry-After": "30"})
    ask(context, digest)
    work_off(context)
    clock.advance(29)
    assert work_off(context) == 0
    clock.advance(1)
    assert work_off(context) == 1
    assert context.ledger.keeps(MAIN, APP, digest)


def test_bytes_of_another_digest_are_not_kept(context, registry):
    """A registry, or something in between, that serves other bytes cannot make us keep them."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    media_type, _ = registry.manifests[APP][digest]
    registry.manifests[APP][digest] = (media_type, image("other"))
    ask(context, digest)
    work_off(context)
    assert not context.ledger.keeps(MAIN, APP, digest)


def test_a_registry_that_is_not_configured(context):
    """What belongs to a registry that was taken out of the settings is forgotten."""
    context.registries.clear()
    ask(context, Digest.of(IMAGE))
    assert work_off(context) == 1
    assert len(context.keeps) == 0


def test_all_levels_below_an_index_are_kept(context, registry):
    """An index in an index, and what that one lists, are parts of the tag as well."""
    child = registry.put_manifest(APP, None, CHILDREN[0])
    inner = registry.put_manifest(APP, None, index(CHILDREN[0]), OCI_INDEX)
    whole = registry.put_manifest(APP, "1.0", index(index(CHILDREN[0])), OCI_INDEX)
    ask(context, whole)
    work_off(context)
    assert all(context.ledger.keeps(MAIN, APP, digest) for digest in (whole, inner, child))


def test_a_child_that_was_never_there(context, registry):
    """A sparse index is legal: the children that the registry has are kept, and the others not waited for."""
    there = registry.put_manifest(APP, None, CHILDREN[1])
    ask(context, registry.put_manifest(APP, "1.0", INDEX, OCI_INDEX))
    assert work_off(context) == 1
    assert context.ledger.keeps(MAIN, APP, there)
    assert len(context.keeps) == 0


def test_kept_at_once_in_this_process(context, registry):
    """Whoever judges fetches the manifest now; no other worker finds anything left to do."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    keep_at_once(context, AtOnce(), [keep_item(MAIN, APP, digest)])
    assert context.ledger.keeps(MAIN, APP, digest)
    assert work_off(context) == 0


def test_what_the_pool_has_no_room_for_waits_in_the_queue(context, registry):
    """The work queue is due for the next worker where a pool takes nothing more."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    keep_at_once(context, Full(), [keep_item(MAIN, APP, digest)])
    assert not context.ledger.keeps(MAIN, APP, digest)
    assert work_off(context) == 1
    assert context.ledger.keeps(MAIN, APP, digest)


def test_another_worker_goes_on_when_the_first_one_died(context, registry, clock):
    """What was begun at once and never done is fetched by another worker when the lease has run out."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    context.keeps.add_claimed([keep_item(MAIN, APP, digest)], owner="dead")
    assert work_off(context) == 0
    clock.advance(LEASE)
    assert work_off(context) == 1
    assert context.ledger.keeps(MAIN, APP, digest)


def test_what_another_worker_has_begun_is_left_to_it(context, registry, clock):
    """A step that waited in a pool for longer than the lease does nothing."""
    digest = registry.put_manifest(APP, "1.0", IMAGE)
    (claim,) = context.keeps.add_claimed([keep_item(MAIN, APP, digest)])
    clock.advance(LEASE)
    context.keeps.claim(1)
    assert Keep.of(context, claim).step()
    assert registry.requests == []


def test_a_large_index_makes_room_for_others(context, registry, monkeypatch):
    """Of an index with many children some are fetched at a time; the rest comes behind what is more urgent."""
    monkeypatch.setattr(keep_module, "STEP", 2)
    children = [registry.put_manifest(APP, None, child) for child in CHILDREN]
    whole = registry.put_manifest(APP, "1.0", INDEX, OCI_INDEX)
    pool = AtOnce()
    keep_at_once(context, pool, [keep_item(MAIN, APP, whole)])
    assert pool.taken == [Precedence.NEW_MANIFEST, Precedence.CHILD]
    assert all(context.ledger.keeps(MAIN, APP, digest) for digest in children)


def alerts(context) -> list[Alert]:
    """What people are told since the last time."""
    claims = context.alerts.queue.claim(100)
    for claim in claims:
        context.alerts.queue.done(claim)
    return [Alert.from_json(claim.checkpoint) for claim in claims]


def noise(number: int) -> bytes:
    """A manifest of 200 kB that no compression makes small."""
    return image("noise", label=random.Random(number).randbytes(150_000).hex())


def test_a_flood_stays_inside_the_budget(make_context, registry):
    """Large manifests are kept up to the budget; people are told when little is left, and when nothing is."""
    context = make_context(kept_bytes=1 << 20)
    for number in range(12):
        ask(context, registry.put_manifest(APP, f"t{number}", noise(number)))
    work_off(context)
    assert context.ledger.used(MAIN) <= 1 << 20
    nearly, full = sorted(alerts(context), key=lambda alert: alert.severity is Severity.CRITICAL)
    assert (nearly.severity, full.severity) == (Severity.WARNING, Severity.CRITICAL)
    assert full.details["largest"] == APP
    assert "kept_bytes" in full.text


def test_told_when_there_is_room_again(make_context, registry):
    """Once sweeps have removed what no record needs, it is told that the budget is not used up any more."""
    context = make_context(kept_bytes=1 << 20)
    for number in range(12):
        ask(context, registry.put_manifest(APP, f"t{number}", noise(number)))
    work_off(context)
    alerts(context)
    for _ in range(2):
        context.release(MAIN, APP)
    assert context.ledger.used(MAIN) == 0
    assert [alert.details["state"] for alert in alerts(context)] == ["over", "over"]


def test_a_tree_that_is_too_large_is_told(context, registry, monkeypatch):
    """People are told of an index that is kept only in part."""
    monkeypatch.setattr(manifest_tree, "MANIFESTS", 2)
    for child in CHILDREN:
        registry.put_manifest(APP, None, child)
    ask(context, registry.put_manifest(APP, "1.0", INDEX, OCI_INDEX))
    work_off(context)
    (alert,) = alerts(context)
    assert alert.severity is Severity.WARNING
    assert "those beyond are not kept" in alert.text


def test_schema_1_is_kept(context, registry):
    """A manifest whose signed payload has the digest is kept with its signatures."""
    content, payload = schema_1(APP)
    digest = registry.put_manifest(APP, "1.0", content, SCHEMA_1)
    assert digest == Digest.of(payload)
    ask(context, digest)
    work_off(context)
    kept = context.ledger.kept(MAIN, APP, digest)
    assert (kept.content, kept.media_type) == (content, SCHEMA_1)


def test_schema_1_that_cannot_be_verified_is_told(context, registry):
    """It is said at once that it cannot be restored, and the registry is not asked again and again."""
    content, payload = schema_1(APP)
    digest = Digest.of(payload)
    registry.put_manifest(APP, "1.0", content, SCHEMA_1)
    registry.manifests[APP][digest] = (SCHEMA_1, content.replace(b"amd64", b"arm64"))
    ask(context, digest)
    assert work_off(context) == 1
    assert len(context.keeps) == 0
    (alert,) = alerts(context)
    assert alert.severity is Severity.CRITICAL
    assert "schema 1: cannot be restored" in alert.text
