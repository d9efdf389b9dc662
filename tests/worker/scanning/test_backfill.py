"""What a sweep learns of tags that are in place: approvals that came too early, indexes that nobody described."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import Action
from enforcer.judgement.record import Decision
from enforcer.manifests import OCI_INDEX, OCI_MANIFEST
from enforcer.names import Digest
from tests.fakes.events import APP, NAME, deletion, push
from tests.fakes.images import image, index
from tests.fakes.scans import FAST, decisions_of, record_of, run_sweep
from tests.fakes.settings import policy_table
from worker.judging.drain import drain

TEXT = "team/app:1.0"
ORIGINAL, OTHER = image("original"), image("other")
CHILDREN = image("amd64"), image("arm64")
INDEX = index(*CHILDREN)


@pytest.fixture
def context(make_context):
    return make_context(sweep_rate=FAST)


def approve(scene, content=OTHER):
    event = push("approve-1", Digest.of(content), scene.now(), actor="ann", user_agent="tag-enforcer", reason="rebuild")
    scene.tell(replace(event, action=Action.APPROVE))


@pytest.fixture
def expecting(scene):
    """An original in place, and the approval of something else while the registry does not answer."""
    scene.record(ORIGINAL)
    scene.registry.put_manifest(APP, None, OTHER)
    scene.registry.fail_with(503)
    approve(scene)
    assert record_of(scene.context, TEXT).approved == Digest.of(OTHER)
    return scene


def test_an_approval_is_adopted_as_soon_as_the_registry_answers(expecting):
    """A sweep makes the record what an operator approved, in the operator's name, and has the tag set to it."""
    report = run_sweep(expecting.context).report
    assert (report.drift, report.problems) == (0, [])
    expecting.step()
    assert expecting.digest == Digest.of(OTHER) == record_of(expecting.context, TEXT).digest
    assert record_of(expecting.context, TEXT).approved is None
    last = expecting.context.ledger.history(NAME)[-1]
    assert (last.decision, last.event.action) == (Decision.APPROVED, Action.ADOPT)
    assert (last.event.actor, last.event.reason) == ("ann", "rebuild")


def test_an_approval_is_adopted_once(expecting):
    """The next sweep has nothing more to do."""
    run_sweep(expecting.context)
    expecting.finish()
    before = decisions_of(expecting.context, TEXT)
    run_sweep(expecting.context)
    assert decisions_of(expecting.context, TEXT) == before


def test_what_is_still_not_there_is_still_expected(scene):
    """As long as the registry does not have it, sweeps change nothing: the next push of it is no violation."""
    scene.record(ORIGINAL)
    approve(scene)
    for _ in range(2):
        assert run_sweep(scene.context).report.problems == []
    assert decisions_of(scene.context, TEXT) == [Decision.RECORDED, Decision.NOTED]
    scene.record(OTHER)
    assert decisions_of(scene.context, TEXT)[-1] is Decision.APPROVED


def test_an_approval_that_the_history_has_forgotten(make_context, redis, registry, clock, scene):
    """It counts as long as the record expects it, though nobody knows any more who gave it."""
    scene.context = make_context(sweep_rate=FAST, history_limit=2)
    scene.record(ORIGINAL)
    approve(scene)
    for _ in range(2):
        scene.record(ORIGINAL)
    registry.put_manifest(APP, None, OTHER)
    run_sweep(scene.context)
    last = scene.context.ledger.history(NAME)[-1]
    assert (last.decision, last.event.actor, last.event.reason) == (Decision.APPROVED, "", "approved before")


def test_report_only_adopts_nothing(expecting):
    """A sweep that only reports leaves an approval as it is."""
    run_sweep(expecting.context, report_only=True)
    assert record_of(expecting.context, TEXT).approved == Digest.of(OTHER)


def test_a_registry_that_does_not_tell(expecting):
    """What cannot be known is a problem of that tag; the approval stays."""
    sick = ORIGINAL + b" "  # what is kept under the digest is something else
    expecting.registry.manifests[APP][Digest.of(OTHER)] = (OCI_MANIFEST, sick)
    (problem,) = run_sweep(expecting.context).report.problems
    assert problem.startswith("main/team/app:1.0: whether what was approved is there is not known: ")
    assert record_of(expecting.context, TEXT).approved == Digest.of(OTHER)


@pytest.fixture
def bare(make_context, scene):
    """An index that was pushed when no policy was there, by an event that says nothing of it; now there is one."""
    scene.context.policies.delete(1, "ops")
    for content in CHILDREN:
        scene.registry.put_manifest(APP, None, content)
    scene.registry.put_manifest(APP, NAME.tag, INDEX, OCI_INDEX)
    scene.tell(push("event-bare", Digest.of(INDEX), scene.now()))
    assert record_of(scene.context, TEXT).children == ()
    scene.context = make_context(sweep_rate=FAST, policies=[policy_table()])
    return scene


def test_an_index_gets_the_children_that_nobody_told(bare):
    """Once a protected index is kept, the record knows what it lists: deleting a child is a violation then."""
    run_sweep(bare.context)
    bare.keep_all()
    drain(bare.context)
    record = record_of(bare.context, TEXT)
    assert (record.media_type, record.children) == (OCI_INDEX, tuple(map(Digest.of, CHILDREN)))
    child = Digest.of(CHILDREN[1])
    bare.registry.delete_manifest(APP, child)
    bare.tell(deletion("gone", bare.now(), tag=None, digest=child))
    assert decisions_of(bare.context, TEXT) == [Decision.MOVED, Decision.UNCHANGED, Decision.DELETED]
    bare.finish()
    assert child in bare.registry.manifests[APP]


def test_what_is_known_is_not_judged_again(bare):
    """An index is described once, an image without a type never: it has no children."""
    for _ in range(3):
        run_sweep(bare.context)
        bare.keep_all()
        drain(bare.context)
    assert decisions_of(bare.context, TEXT) == [Decision.MOVED, Decision.UNCHANGED]
    bare.registry.put_manifest(APP, "2.0", ORIGINAL)
    bare.tell(push("event-image", Digest.of(ORIGINAL), bare.now(), tag="2.0", actor="ci"))
    for _ in range(2):
        run_sweep(bare.context)
        bare.keep_all()
    assert decisions_of(bare.context, "team/app:2.0") == [Decision.RECORDED]
