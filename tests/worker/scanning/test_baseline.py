from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.errors import RegistryUnavailable
from enforcer.events import Action
from enforcer.judgement.record import Decision
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.store.audit import Audit
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time
from tests.fakes.events import MAIN, digest
from tests.fakes.images import image, index
from tests.fakes.scans import (
    FAST,
    OVER,
    STILL,
    announce,
    command_walk,
    decisions_of,
    kept,
    name_of,
    push_tags,
    record_of,
    run_baseline,
)
from worker import jobs
from worker.scanning.baseline import baseline
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.observation import Difference
from worker.scanning.scan import scan_of

A, B = image("a"), image("b")


@pytest.fixture
def context(make_context):
    return make_context(sweep_rate=FAST, timing=STILL)


def digests(registry, context):
    """What the registry has and the ledger says, where these are not the same."""
    return {
        f"{repository}:{tag}": (found, record_of(context, f"{repository}:{tag}"))
        for repository, tags in registry.tags.items()
        for tag, found in tags.items()
        if getattr(record_of(context, f"{repository}:{tag}"), "digest", None) != found
    }


def test_records_every_tag(registry, context):
    """After a baseline every tag of every repository is recorded as it is, protected ones as originals."""
    push_tags(registry, "team/app", 100, A)
    registry.put_manifest("team/app", "latest", B)
    registry.put_manifest("elsewhere/app", "1", A)
    done = run_baseline(context)
    assert done.finished
    assert (done.report.looked, done.report.recorded, done.report.drifted) == (102, 102, [])
    assert digests(registry, context) == {}
    assert decisions_of(context, "team/app:v000") == [Decision.RECORDED]
    assert decisions_of(context, "team/app:latest") == [Decision.MOVED]


def test_keeps_the_manifests_of_protected_tags(registry, context):
    """What a protected tag is recorded with is kept at once; nothing is kept of others."""
    protected = registry.put_manifest("team/app", "1", A)
    free = registry.put_manifest("team/app", "latest", B)
    run_baseline(context)
    assert context.ledger.kept(MAIN, name_of("team/app:1").repository, protected).content == A
    assert not context.ledger.keeps(MAIN, name_of("team/app:1").repository, free)


def test_an_index_is_recorded_with_its_children(registry, context):
    """The record of an index lists its manifests, and those are to be kept too."""
    for child in (A, B):
        registry.put_manifest("team/app", None, child)
    registry.put_manifest("team/app", "1", index(A, B), OCI_INDEX)
    run_baseline(context)
    record = record_of(context, "team/app:1")
    assert record.media_type == OCI_INDEX
    assert record.children == (Digest.of(A), Digest.of(B))
    assert len(context.keeps) == 1  # the index, which is kept already; its children follow from it


def test_a_record_stays_and_differences_are_reported(registry, context):
    """A baseline never replaces a record: it says which differ, and which tags are gone."""
    announce(context, "team/app:1", digest(1))
    announce(context, "team/app:2", digest(2))
    registry.put_manifest("team/app", "1", A)
    before = [decisions_of(context, "team/app:1"), decisions_of(context, "team/app:2")]
    done = run_baseline(context)
    assert done.report.drifted == [
        Difference("main/team/app:1", digest(1), Digest.of(A)),
        Difference("main/team/app:2", digest(2), None),
    ]
    assert [decisions_of(context, "team/app:1"), decisions_of(context, "team/app:2")] == before
    assert done.report.recorded == 0
    assert len(context.restores) == 0


def test_force_replaces_what_differs(registry, context):
    """With force a record becomes what the registry has, as approved; tags that are gone keep theirs."""
    announce(context, "team/app:1", digest(1))
    announce(context, "team/app:2", digest(2))
    registry.put_manifest("team/app", "1", A)
    registry.put_manifest("team/app", "3", B)
    done = run_baseline(context, forced_by="cli:ada")
    assert done.report.replaced == [Difference("main/team/app:1", digest(1), Digest.of(A))]
    assert done.report.drifted == [Difference("main/team/app:2", digest(2), None)]
    assert record_of(context, "team/app:1").digest == Digest.of(A)
    assert decisions_of(context, "team/app:1")[-1] is Decision.APPROVED
    assert context.ledger.history(name_of("team/app:1"))[-1].event.reason == "baseline --force"
    assert decisions_of(context, "team/app:3") == [Decision.RECORDED]


def test_the_audit_says_who_forced_it(registry, context):
    """Each record that is replaced is an approval in the audit, with both digests; nothing else is."""
    announce(context, "team/app:1", digest(1))
    announce(context, "team/app:2", digest(2))
    registry.put_manifest("team/app", "1", A)
    registry.put_manifest("team/app", "3", B)
    audited = len(Audit(context.redis))
    run_baseline(context)
    assert len(Audit(context.redis)) == audited
    run_baseline(context, forced_by="cli:ada")
    assert len(Audit(context.redis)) == audited + 1
    (entry,) = Audit(context.redis).newest(1)
    place = {"registry": "main", "repository": "team/app", "tag": "1"}
    assert (entry.what, entry.by, entry.reason) == ("approved", "cli:ada", "baseline --force")
    assert (entry.before, entry.after) == (place | {"digest": digest(1)}, place | {"digest": Digest.of(A)})


def test_twice_is_once(registry, context):
    """A second baseline finds nothing to record, and writes nothing."""
    push_tags(registry, "team/app", 10, A)
    run_baseline(context)
    before = context.ledger.state(name_of("team/app:v000"))
    assert kept(context).read([], Time.now()).begun == 0
    again = run_baseline(context)
    assert (again.report.looked, again.report.recorded) == (10, 0)
    assert context.ledger.state(name_of("team/app:v000")) == before


def test_goes_on_where_it_was(registry, context):
    """Stopped in the second of three repositories, it looks at nothing again, and yet reports all."""
    push_tags(registry, "team/a", 5, A)
    announce(context, "team/a:gone")
    push_tags(registry, "team/b", 200, A)
    push_tags(registry, "team/c", 5, A)
    with scan_of(context, MAIN) as scan:
        stopped = command_walk(context, scan)
        counts = stopped.run()
        while stopped.report.looked < 6 + 64:
            next(counts)
            kept(context).keep(stopped.settled)
        counts.close()
        assert kept(context).read(scan.repositories()[0], Time.now()).begun == 2
    registry.requests.clear()
    rest = run_baseline(context)
    assert rest.finished
    assert sum(method == "HEAD" for method, _ in registry.requests) == 200 - 64 + 5
    assert (rest.report.looked, rest.report.recorded) == (211, 210)
    assert [difference.name for difference in rest.report.drifted] == ["main/team/a:gone"]
    assert digests(registry, context) == {}


def test_a_repository_that_comes_into_sight(registry, context):
    """A baseline begins anew if there is a repository before its place that it has not seen: none is skipped."""
    push_tags(registry, "team/b", 1, A)
    push_tags(registry, "team/c", 200, A)
    assert not run_baseline(context, seconds=OVER).finished
    registry.put_manifest("team/a", "1", A)
    done = run_baseline(context)
    assert (done.report.looked, done.finished) == (202, True)
    assert digests(registry, context) == {}


def test_time_runs_out(registry, context):
    """A slice ends when its time is over, with what it saw judged; the next ones do the rest."""
    push_tags(registry, "team/a", 200, A)
    push_tags(registry, "team/b", 200, A)
    first = run_baseline(context, seconds=OVER)
    assert not first.finished
    assert first.report.recorded == 64
    for _ in range(10):
        last = run_baseline(context, seconds=OVER)
        if last.finished:
            break
    assert last.report.recorded == 400
    assert digests(registry, context) == {}


def test_a_registry_that_goes_away(registry, context):
    """What was recorded stays, the rest follows when the registry is back."""
    push_tags(registry, "team/app", 300, A)
    with scan_of(context, MAIN) as scan:
        walk = command_walk(context, scan)
        counts = walk.run()
        next(counts)
        kept(context).keep(walk.settled)
        registry.fail_with(503, times=1000)
        with pytest.raises(RegistryUnavailable):
            list(counts)
    assert record_of(context, "team/app:v000") is not None
    registry._failures.clear()
    assert run_baseline(context).report.recorded == 300
    assert digests(registry, context) == {}


def test_what_cannot_be_looked_at_is_a_problem(registry, context):
    """A repository that may not be read is named, and looked at again by the next baseline; the others are recorded."""
    push_tags(registry, "team/a", 1, A)
    push_tags(registry, "team/b", 1, A)
    listed = registry._page
    registry._page = lambda path, *rest: denied() if "team/a/" in path else listed(path, *rest)
    done = run_baseline(context)
    assert done.finished
    assert ["403" in problem for problem in done.report.problems] == [True]
    assert record_of(context, "team/b:v000") is not None
    registry._page = listed
    assert run_baseline(context).report.recorded == 1


def denied():
    from tests.fakes.registry import errors

    return errors(403, "DENIED")


def test_findings_are_as_old_as_the_look(registry, context):
    """A push that comes while a baseline goes on is later than what that has seen: the original is what was there."""
    registry.put_manifest("team/app", "1", A)
    with scan_of(context, MAIN) as scan:
        (listing,) = scan.listings(scan.repositories()[0])
        observations = list(scan.observations(listing))
        registry.put_manifest("team/app", "1", B)
        announce(context, "team/app:1", Digest.of(B), time=Time.now())
        scan.observations = lambda _: iter(observations)
        list(command_walk(context, scan, [listing.repository]).run())
    assert record_of(context, "team/app:1").digest == Digest.of(A)
    assert decisions_of(context, "team/app:1") == [Decision.CORRECTED, Decision.OVERWRITTEN]


def claim(context):
    (claimed,) = context.baselines.claim(1)
    return claimed


class TestOfAPolicy:
    """A policy that begins to protect starts a baseline of its namespace."""

    @pytest.fixture(autouse=True)
    def _work(self, context):
        jobs.work_with(context)

    def test_whole_namespace_and_no_other(self, registry, context):
        """Every tag of the namespace is recorded and its policy in force; a sweep follows. Others are left alone."""
        push_tags(registry, "team/app", 10, A)
        registry.put_manifest("elsewhere/app", "1", A)
        assert jobs.baseline() == 1
        assert decisions_of(context, "team/app:v009") == [Decision.RECORDED]
        assert record_of(context, "elsewhere/app:1") is None
        assert len(context.baselines) == 0
        assert [each.key for each in context.sweeps.claim(10)] == ["main/team"]

    def test_as_they_stand(self, registry, context):
        """A tag whose record is behind, since an event was lost before the policy, is protected as it stands."""
        earlier = Time.now().plus(-3600)
        announce(context, "team/app:1", digest(1), time=earlier)
        announce(context, "team/app:gone", digest(1), time=earlier)
        registry.put_manifest("team/app", "1", A)
        jobs.baseline()
        assert record_of(context, "team/app:1").digest == Digest.of(A)
        assert record_of(context, "team/app:gone") is None
        assert decisions_of(context, "team/app:1") == [Decision.MOVED, Decision.MOVED]
        assert context.violations.count_open() == 0

    def test_not_what_was_protected_already(self, registry, context):
        """A second policy is no reason to take what differs from a record of the first one."""
        announce(context, "team/app:1", digest(1))
        registry.put_manifest("team/app", "1", A)
        jobs.baseline()
        assert record_of(context, "team/app:1").digest == digest(1)

    def test_not_what_a_baseline_has_seen(self, registry, make_context, context):
        """What changed after a baseline of the namespace is drift, though no event told of the tag since its policy."""
        announce(context, "team/app:1", Digest.of(A), time=Time.now().plus(-3600))
        registry.put_manifest("team/app", "1", A)
        jobs.baseline()
        registry.put_manifest("team/app", "1", B)
        context.baselines.add([("main/team", "")])
        jobs.baseline()
        assert record_of(context, "team/app:1").digest == Digest.of(A)

    def test_again_when_the_registry_is_back(self, registry, context):
        """A registry that is away puts the baseline off."""
        push_tags(registry, "team/app", 1, A)
        registry.fail_with(503)
        jobs.baseline()
        assert len(context.baselines) == 1
        assert not context.baselines.is_due()
        assert record_of(context, "team/app:v000") is None

    def test_a_registry_that_is_configured_no_more(self, context, redis):
        """Its baseline is dropped."""
        WorkQueue(redis, Task.BASELINE).add([("former/team", "")])
        jobs.baseline()
        assert len(context.baselines) == 0


def test_of_a_policy_in_slices(registry, make_context):
    """A long baseline gives way to other walks now and then, and goes on where it was."""
    context = make_context(sweep_rate=FAST, timing=replace(STILL, slice=OVER))
    push_tags(registry, "team/a", 100, A)
    push_tags(registry, "team/b", 100, A)
    slices = 0
    while claims := context.baselines.claim(1):
        baseline(context, claims[0])
        slices += 1
    assert slices > 2
    assert len(context.baselines) == 0
    assert digests(registry, context) == {}


def test_progress_counts_though_the_registry_goes_away(registry, make_context):
    """What a policy's baseline has recorded before an error is not looked at again."""
    context = make_context(sweep_rate=FAST)
    push_tags(registry, "team/app", 200, A)
    (claimed,) = context.baselines.claim(1)
    whole = registry._served

    def served(repository, reference, headers):
        if reference == "v150":
            registry.fail_with(503, times=1000)
        return whole(repository, reference, headers)

    registry._served = served
    baseline(context, claimed)
    checkpoint = Checkpoint.read(context.redis.hget("te:{baseline}:notes", "main/team").decode(), Time.now())
    assert 64 <= checkpoint.report.looked < 150
    assert checkpoint.tag == f"v{checkpoint.report.looked - 1:03}"


def test_force_is_an_operators_act(registry, context):
    """What is forced stands in the history as adopted by nobody's push."""
    announce(context, "team/app:1", digest(1))
    registry.put_manifest("team/app", "1", A)
    run_baseline(context, forced_by="cli:ada")
    assert context.ledger.history(name_of("team/app:1"))[-1].event.action is Action.ADOPT
