from __future__ import annotations

import pytest

from enforcer.judgement.record import Decision
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME
from tests.fakes.images import image, index
from tests.fakes.scans import FAST, decisions_of, record_of, run_sweep
from tests.fakes.settings import policy_table
from worker.judging.drain import drain
from worker.scanning.children import INTERVAL, ChildrenTimes

TEXT = str(NAME).partition("/")[2]
CHILD, OTHER = image("child"), image("other")
INNER = index(CHILD)
WHOLE = index(INNER, OTHER)
BELOW = [Digest.of(INNER), Digest.of(OTHER), Digest.of(CHILD)]


@pytest.fixture
def nested(make_context, scene):
    """An index of an index, recorded and kept."""
    scene.context = make_context(sweep_rate=FAST)
    for content in (CHILD, OTHER):
        scene.registry.put_manifest(APP, None, content)
    scene.registry.put_manifest(APP, None, INNER, OCI_INDEX)
    scene.record(WHOLE)
    drain(scene.context)
    return scene


def lose(scene, *digests):
    for digest in digests:
        scene.registry.delete_manifest(APP, digest)


def test_a_record_lists_all_that_is_below_it(nested):
    """Once they are kept, the manifests of every level belong to the record."""
    assert set(record_of(nested.context, TEXT).children) == set(BELOW)


@pytest.mark.parametrize("lost", BELOW)
def test_a_lost_child_is_put_back(nested, lost):
    """Whatever its level, it is a violation that a sweep found, and there again after the restore."""
    lose(nested, lost)
    (drift,) = run_sweep(nested.context, children=True).report.drifted
    assert drift.text == f"main/{TEXT} lists {lost}, which was gone"
    assert decisions_of(nested.context, TEXT)[-1] is Decision.DELETED
    nested.finish()
    assert lost in nested.registry.manifests[APP]


def test_a_lost_branch_is_put_back_whole(nested):
    """The innermost manifest comes first: registries refuse an index whose children they do not have."""
    lose(nested, *BELOW)
    run_sweep(nested.context, children=True)
    nested.finish()
    assert set(BELOW) <= set(nested.registry.manifests[APP])


def test_children_cost_a_look_each_once(nested):
    """Tags that share children share the looks at them."""
    nested.registry.put_manifest(APP, "2.0", WHOLE, OCI_INDEX)
    run_sweep(nested.context)
    nested.keep_all()
    drain(nested.context)
    nested.registry.requests.clear()
    run_sweep(nested.context, children=True)
    looks = [path.rpartition("/")[2] for method, path in nested.registry.requests if method == "HEAD"]
    assert sorted(looks) == sorted([*BELOW, "1.0", "2.0"])


def test_report_only_changes_nothing(nested):
    """It is reported and left."""
    lose(nested, BELOW[0])
    assert run_sweep(nested.context, children=True, report_only=True).report.drift == 1
    assert nested.context.violations.get_open(NAME) == []


def test_not_protected_against_deletion(nested, make_context):
    """Where deleting is allowed, so is deleting a child."""
    nested.context = make_context(sweep_rate=FAST, policies=[policy_table(protect=["overwrite"])])
    lose(nested, BELOW[0])
    assert run_sweep(nested.context, children=True).report.drift == 0


def test_found_again_it_is_one_violation(nested):
    """A sweep that finds it before it is put back has it put back, and tells nothing new."""
    lose(nested, BELOW[0])
    for _ in range(2):
        run_sweep(nested.context, children=True)
    assert len(nested.context.violations.get_open(NAME)) == 1


def test_one_sweep_in_an_hour_looks_at_children(redis, clock):
    """And the first after a start: each of its turns, and no other sweep meanwhile."""
    times, first, second = ChildrenTimes(redis), Time("2026-01-01T00:00:00Z"), Time("2026-01-01T00:10:00Z")
    assert [times.is_due(MAIN, began) for began in (first, second, first)] == [True, False, True]
    assert 0 < redis.ttl(f"te:sweep:children:{MAIN}") <= INTERVAL
    times.forget(MAIN)
    assert times.is_due(MAIN, second)
