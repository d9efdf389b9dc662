"""What a worker reads of manifests before it judges, and what becomes of approvals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from enforcer.events import Action
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.manifests import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from enforcer.names import Digest, RegistryName, Tag
from enforcer.times import Time
from tests.fakes.events import APP, BUILD, NAME, deletion, digest, push
from tests.fakes.images import image, index
from tests.fakes.settings import policy_table
from worker.judging.enrichment import Enrichment

START = Time("2026-11-22T04:00:00Z")
ORIGINAL, OTHER = image("original"), image("other")
CHILDREN = image("amd64"), image("arm64")
INDEX = index(*CHILDREN)


def enrichment_of(context):
    return Enrichment(context.policies.current(), context.registries, context.manifest, context.stores.pushes)


@pytest.fixture
def enrichment(context):
    return enrichment_of(context)


@pytest.fixture
def stored(registry):
    """What the registry has under its digest, with no tag."""
    for content in (ORIGINAL, OTHER, *CHILDREN):
        registry.put_manifest(APP, None, content)
    registry.put_manifest(APP, None, INDEX, OCI_INDEX)
    return registry


def pushed(content, **changes):
    return push("event", Digest.of(content), **changes)


def approval(content, **changes):
    event = pushed(content, actor="ops", reason="why", **changes)
    return replace(event, id="approve-1", action=Action.APPROVE)


@pytest.mark.parametrize("media_type", ["", OCI_INDEX, DOCKER_LIST])
def test_an_index_gets_its_children(enrichment, stored, media_type):
    """What an index lists is read where the event does not say it; Harbor does not even say that it is one."""
    enriched = enrichment.enrich(pushed(INDEX, media_type=media_type))
    assert enriched == pushed(INDEX, media_type=OCI_INDEX, children=tuple(map(Digest.of, CHILDREN)), time=enriched.time)


def test_an_image_gets_its_type(enrichment, stored):
    """An image has no children; its type is read where nobody told it."""
    enriched = enrichment.enrich(pushed(ORIGINAL))
    assert (enriched.media_type, enriched.children) == (OCI_MANIFEST, ())


@pytest.mark.parametrize(
    "make",
    [
        lambda: pushed(ORIGINAL, media_type=OCI_MANIFEST),
        lambda: pushed(INDEX, media_type=OCI_INDEX, children=(digest(1),)),
        lambda: pushed(INDEX, tag=Tag("latest")),
        lambda: replace(pushed(INDEX), registry=RegistryName("nowhere")),
        lambda: deletion("event", digest=Digest.of(INDEX)),
        lambda: deletion("event", tag=None, digest=Digest.of(INDEX)),
    ],
    ids=["image", "index with children", "not protected", "unknown registry", "deleted tag", "deleted digest"],
)
def test_the_registry_is_not_asked_in_vain(enrichment, stored, make):
    """Where nothing is missing, or nothing depends on it, no request is made and the event stays as it is."""
    event = make()
    assert enrichment.enrich(event) == event
    assert stored.requests == []


def test_who_bypasses_is_enriched_too(make_context, stored):
    """What a bypassing actor pushes is protected against everybody else, and so are its children."""
    enrichment = enrichment_of(make_context(policies=[policy_table(bypass_actors=["robot"])]))
    assert enrichment.enrich(pushed(INDEX, actor="robot")).children == tuple(map(Digest.of, CHILDREN))


def test_what_is_kept_is_not_asked_for(enrichment, stored):
    """What was read once is kept, and describes the next event without a request."""
    first = enrichment.enrich(pushed(INDEX))
    asked = len(stored.requests)
    assert enrichment.enrich(first) == first
    assert enrichment.enrich(pushed(INDEX)).children == first.children
    assert len(stored.requests) == asked == 1


def test_a_manifest_that_is_gone(enrichment, registry):
    """An event whose manifest the registry has not is judged as it is; others are enriched."""
    event = pushed(INDEX)
    assert enrichment.enrich(event) == event
    registry.put_manifest(APP, None, ORIGINAL)
    assert enrichment.enrich(pushed(ORIGINAL)).media_type == OCI_MANIFEST


def test_a_registry_that_is_away_is_asked_once(context, stored):
    """A batch of events waits for a registry that is away once, and not once for each; the next batch asks again."""
    stored.fail_with(503)
    enrichment = enrichment_of(context)
    events = [pushed(content) for content in (INDEX, ORIGINAL, OTHER)]
    assert [enrichment.enrich(event) for event in events] == events
    assert len(stored.requests) == 1
    assert enrichment_of(context).enrich(events[0]).children


def test_an_approved_digest_is_adopted(enrichment, stored):
    """Approving what the registry has makes it the record: with its children, and all that the operator said."""
    event = approval(INDEX)
    enriched = enrichment.enrich(event)
    assert enriched.action is Action.ADOPT
    assert (enriched.media_type, enriched.children) == (OCI_INDEX, tuple(map(Digest.of, CHILDREN)))
    assert (enriched.id, enriched.time, enriched.actor, enriched.reason) == (
        event.id,
        event.time,
        event.actor,
        event.reason,
    )


@pytest.mark.parametrize("is_away", [False, True])
def test_an_approved_digest_that_is_not_there(enrichment, registry, is_away):
    """Approving what the registry has not, or cannot tell, stays an approval: the next push of it is expected."""
    if is_away:
        registry.fail_with(500)
    event = approval(ORIGINAL)
    assert enrichment.enrich(event) == event


def test_an_unprotected_tag_can_be_approved(enrichment, stored):
    """An approval is looked at whatever protects the tag."""
    assert enrichment.enrich(approval(ORIGINAL, tag=Tag("latest"))).action is Action.ADOPT


def approve(scene, content):
    scene.tell(replace(approval(content), id=f"approve-{scene.events}", time=scene.now()))


def decisions(scene):
    return [entry.decision for entry in scene.context.ledger.history(NAME)]


def test_approved_after_the_push(scene):
    """An operator approves what somebody pushed: the violation is closed, and the tag is set to it."""
    scene.record(ORIGINAL)
    violation = scene.overwrite(OTHER)
    scene.next_step()
    assert scene.digest == Digest.of(ORIGINAL)
    approve(scene, OTHER)
    assert scene.violation(violation).state is State.APPROVED
    scene.finish()
    assert scene.digest == Digest.of(OTHER) == scene.context.ledger.state(NAME).record.digest
    assert decisions(scene) == [Decision.RECORDED, Decision.OVERWRITTEN, Decision.APPROVED]


def test_approved_before_the_push(scene):
    """An operator approves what somebody will push: it is no violation then, and what comes after it is one."""
    scene.record(ORIGINAL)
    approve(scene, OTHER)
    assert scene.context.ledger.state(NAME).record.digest == Digest.of(ORIGINAL)
    scene.record(OTHER)
    assert list(scene.context.violations.newest()) == []
    scene.finish()
    violation = scene.overwrite(ORIGINAL)
    assert violation.recorded == Digest.of(OTHER)
    assert decisions(scene) == [Decision.RECORDED, Decision.NOTED, Decision.APPROVED, Decision.OVERWRITTEN]


def test_another_digest_than_the_approved_one(scene):
    """To expect one digest lets no other pass, and the approval stays until its digest comes."""
    scene.record(ORIGINAL)
    approve(scene, OTHER)
    scene.overwrite(image("third"))
    scene.finish()
    assert scene.digest == Digest.of(ORIGINAL)
    scene.record(OTHER)
    assert scene.context.ledger.state(NAME).record.digest == Digest.of(OTHER)


def test_an_approved_index_is_kept_with_its_children(scene):
    """What is adopted can be put back like any original, when the registry has lost all of it."""
    for content in CHILDREN:
        scene.registry.put_manifest(APP, None, content)
    scene.registry.put_manifest(APP, None, INDEX, OCI_INDEX)
    scene.record(ORIGINAL)
    approve(scene, INDEX)
    scene.finish()
    scene.keep_all()
    scene.registry.manifests[APP].clear()
    scene.delete()
    scene.finish()
    assert scene.digest == Digest.of(INDEX)
    assert set(scene.registry.manifests[APP]) == {Digest.of(content) for content in (INDEX, *CHILDREN)}


@pytest.fixture
def settling(make_context, registry):
    """Events are enriched where a policy lets tags settle."""
    return enrichment_of(make_context(policies=[policy_table(settle=120)]))


def test_a_settling_index_is_told_who_pushed_its_children(settling, stored):
    """Of the children of an index those are known that its own client pushed, whatever the tag."""
    ours, theirs = map(Digest.of, CHILDREN)
    settling.note_pushes(
        [push("1", ours, START, tag=None, **BUILD), push("2", theirs, START, **BUILD | {"actor": "mallory"})]
    )
    told = pushed(INDEX, media_type=OCI_INDEX, children=(ours, theirs), **BUILD)
    assert settling.enrich(told) == replace(told, pushed=((ours, START),))


def test_an_index_with_a_platform_twice_has_no_children_of_its_own(settling, registry):
    """Which of two images a client takes for its platform is nothing to be decided by an index that comes later."""
    listed = json.loads(INDEX)
    listed["manifests"][1]["platform"] = listed["manifests"][0]["platform"]
    twice = json.dumps(listed).encode()
    registry.put_manifest(APP, None, twice, OCI_INDEX)
    settling.note_pushes([push(str(number), Digest.of(each), START, **BUILD) for number, each in enumerate(CHILDREN)])
    assert settling.enrich(pushed(twice, **BUILD)).pushed == ()


def test_nobody_notes_pushes_where_nothing_settles(enrichment, context):
    """By default nothing is kept of pushes by digest."""
    enrichment.note_pushes([push("1", Digest.of(ORIGINAL), START, **BUILD)])
    assert context.redis.keys("*:pushes") == []


@pytest.mark.parametrize("media_type", ["", OCI_INDEX])
def test_an_index_gets_what_stands_below_its_indexes(enrichment, registry, media_type):
    """At any depth: whoever deletes the innermost manifest breaks the tag."""
    inner = index(*CHILDREN)
    middle = index(inner, ORIGINAL)
    outer = index(middle)
    for content, kind in ((inner, OCI_INDEX), (middle, OCI_INDEX), (outer, OCI_INDEX)):
        registry.put_manifest(APP, None, content, kind)
    expected = {Digest.of(each) for each in (middle, inner, ORIGINAL, *CHILDREN)}
    assert set(enrichment.enrich(pushed(outer, media_type=media_type)).children) == expected


def test_an_index_that_is_not_there_has_no_children(enrichment, registry):
    """Indexes may be sparse: what stands below the others is known all the same."""
    outer = index(index(*CHILDREN), ORIGINAL)
    registry.put_manifest(APP, None, outer, OCI_INDEX)
    assert set(enrichment.enrich(pushed(outer)).children) == {Digest.of(index(*CHILDREN)), Digest.of(ORIGINAL)}
