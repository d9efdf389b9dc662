from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from enforcer.errors import RegistryUnavailable
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.manifests import OCI_INDEX, Manifest
from enforcer.names import Digest, Repository
from enforcer.policies.unlock import Unlock
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time
from tests.fakes.clock import Clock
from tests.fakes.events import MAIN, digest
from tests.fakes.images import blob, blobs_of, image, index
from tests.fakes.interruptions import Interruptions, Killed, die
from tests.fakes.scans import (
    FAST,
    HASTY,
    announce,
    decisions_of,
    name_of,
    push_tags,
    record_of,
    run_baseline,
    run_sweep,
    whole_sweep,
)
from tests.fakes.settings import policy_table
from worker import jobs
from worker.context import Timing
from worker.judging.drain import drain
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.observation import Difference
from worker.scanning.report import SWEEPS
from worker.scanning.scan import scan_of
from worker.scanning.scan_times import ScanTimes
from worker.scanning.sweep import sweep
from worker.scanning.sweep_lock import sweep_lock

A, B = image("a"), image("b")


@pytest.fixture
def context(make_context):
    return make_context(sweep_rate=FAST)


@pytest.fixture
def recorded(registry, context):
    """20 protected tags, as they are recorded; the policy's own baseline is done."""
    tags = push_tags(registry, "team/app", 20, A)
    jobs.work_with(context)
    jobs.baseline()
    (claim,) = context.sweeps.claim(1)
    context.sweeps.done(claim)
    return tags


def restores(context):
    """The tags that are to be restored; from then on they are."""
    claims = context.restores.claim(1000)
    for claim in claims:
        context.restores.done(claim)
    return sorted(claim.key.removeprefix("main/") for claim in claims)


def overwrite(registry, text, content=B):
    repository, _, tag = text.rpartition(":")
    registry.put_manifest(repository, tag, content)


def test_nothing_to_find(registry, context, recorded):
    """Where all is as it must be a sweep changes nothing."""
    swept = run_sweep(context)
    assert swept.finished
    assert (swept.report.looked, swept.report.drift, swept.report.recorded) == (20, 0, 0)
    assert restores(context) == []


def test_drift_is_a_violation(registry, context, recorded):
    """Exactly the tags that differ are violations, are to be restored, and are named."""
    for text in recorded[3:6]:
        overwrite(registry, text)
    registry.delete_manifest("team/app", "v010")
    report = run_sweep(context).report
    assert report.drift == 4
    assert report.drifted[0] == Difference("main/team/app:v003", Digest.of(A), Digest.of(B))
    assert report.drifted[3] == Difference("main/team/app:v010", Digest.of(A), None)
    assert restores(context) == [*recorded[3:6], recorded[10]]
    assert [violation.kind for violation in context.violations.newest()].count(Decision.DELETED) == 1
    assert context.violations.count_open() == 4
    assert record_of(context, recorded[3]).digest == Digest.of(A)


def test_drift_that_is_known_is_restored_again(registry, context, recorded):
    """A tag that could not be restored yet is no second violation; each sweep has it tried again."""
    overwrite(registry, recorded[0])
    run_sweep(context)
    assert restores(context) == [recorded[0]]
    again = run_sweep(context).report
    assert again.drift == 1
    assert restores(context) == [recorded[0]]
    assert context.violations.count_open() == 1
    assert decisions_of(context, recorded[0]) == [Decision.RECORDED, Decision.OVERWRITTEN]


def test_what_is_not_restorable_is_tried_again(registry, context, recorded):
    """So is one that was given up, since what was lost may have come back."""
    overwrite(registry, recorded[0])
    run_sweep(context)
    (violation,) = context.violations.newest()
    context.violations.update(violation.closed_as(State.NOT_RESTORABLE, Time.now()))
    restores(context)
    run_sweep(context)
    assert restores(context) == [recorded[0]]


def test_drift_of_a_tag_with_no_kept_manifest(registry, context):
    """A tag whose manifest nobody kept is a violation like any other; what can be done shows when it is restored."""
    announce(context, "team/app:1", digest(1))
    registry.put_manifest("team/app", "1", A)
    assert run_sweep(context).report.drift == 1
    assert restores(context) == ["team/app:1"]


def test_deleted_once_more(registry, context, recorded):
    """A tag that was deleted, put back and deleted again without any event is put back again."""
    registry.delete_manifest("team/app", "v000")
    run_sweep(context)
    (violation,) = context.violations.newest()
    context.violations.update(violation.closed_as(State.RESTORED, Time.now()))
    restores(context)
    assert run_sweep(context).report.drift == 1
    assert restores(context) == [recorded[0]]


def test_deleted_and_back(registry, context, recorded):
    """A tag that is in place again counts as such, so that its next deletion is a violation of its own."""
    registry.delete_manifest("team/app", "v000")
    run_sweep(context)
    (violation,) = context.violations.newest()
    context.violations.update(violation.closed_as(State.RESTORED, Time.now()))
    overwrite(registry, recorded[0], A)
    assert run_sweep(context).report.drift == 0
    registry.delete_manifest("team/app", "v000")
    run_sweep(context)
    assert decisions_of(context, recorded[0])[-1] is Decision.DELETED
    assert context.violations.count_open() == 1


def test_report_only(registry, context, recorded):
    """With report_only the same is found, and nothing at all is written."""
    overwrite(registry, recorded[0])
    registry.put_manifest("team/app", "new", A)
    registry.put_manifest("team/app", "latest", A)
    before = snapshot(context)
    report = run_sweep(context, report_only=True).report
    assert (report.drift, report.recorded) == (1, 2)
    assert snapshot(context) == before


def snapshot(context):
    return {key: context.redis.dump(key) for key in context.redis.scan_iter()}


def test_new_tags_are_recorded_and_free_ones_followed(registry, context, recorded):
    """A protected tag that nobody told of is recorded and kept; the record of a free one follows the registry."""
    registry.put_manifest("team/app", "new", B)
    announce(context, "team/app:latest", digest(5))
    announce(context, "team/other:latest", digest(6))
    registry.put_manifest("team/app", "latest", A)
    report = run_sweep(context).report
    assert (report.recorded, report.followed, report.drift) == (1, 2, 0)
    assert decisions_of(context, "team/app:new") == [Decision.RECORDED]
    assert context.ledger.keeps(MAIN, Repository("team/app"), Digest.of(B))
    assert record_of(context, "team/app:latest").digest == Digest.of(A)
    assert record_of(context, "team/other:latest") is None
    assert restores(context) == []


def test_what_no_record_needs_is_not_kept_for_ever(registry, context, recorded):
    """Two sweeps remove a kept manifest that no record names, and leave those of records."""
    app = Repository("team/app")
    strange = Manifest.checked(B, "", Digest.of(B))
    run_sweep(context)
    context.keep(MAIN, app, strange)
    original = record_of(context, recorded[0]).digest
    context.keep(MAIN, app, Manifest.checked(registry.manifests[app][original][1], "", original))
    run_sweep(context, report_only=True)
    for is_kept in (True, False):
        run_sweep(context)
        assert context.ledger.keeps(MAIN, app, strange.digest) is is_kept
    assert context.ledger.keeps(MAIN, app, original)


def test_namespaces_without_a_policy_are_left_alone(registry, context):
    """Where nothing is protected nothing is looked at."""
    registry.put_manifest("elsewhere/app", "1", A)
    assert run_sweep(context).report.looked == 0


def test_only_what_a_policy_protects_against(registry, make_context):
    """A deletion that no policy forbids is no drift: the record follows."""
    context = make_context(sweep_rate=FAST, policies=[policy_table(protect=["overwrite"])])
    push_tags(registry, "team/app", 2, A)
    run_baseline(context)
    registry.delete_manifest("team/app", "v000")
    overwrite(registry, "team/app:v001")
    report = run_sweep(context).report
    assert (report.drift, report.followed) == (1, 1)
    assert record_of(context, "team/app:v000") is None
    assert restores(context) == ["team/app:v001"]


def test_only_observed(registry, make_context):
    """Where a policy only observes, drift is told once and not at each sweep, and nothing is restored."""
    context = make_context(sweep_rate=FAST, policies=[policy_table(mode="observe")])
    push_tags(registry, "team/app", 2, A)
    run_baseline(context)
    overwrite(registry, "team/app:v000")
    registry.delete_manifest("team/app", "v001")
    for _ in range(3):
        assert run_sweep(context).report.drift == 2
    assert [violation.state for violation in context.violations.newest()] == [State.OBSERVED] * 2
    assert len(context.alerts.queue) == 2
    assert restores(context) == []
    overwrite(registry, "team/app:v000", image("c"))
    run_sweep(context)
    assert len(list(context.violations.newest())) == 3


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_a_sweep_that_dies(registry, redis, make_context, mode):
    """Between any two of its commands to Redis: what it had judged, or was about to, is told all the same, and once."""
    interruptions = Interruptions(redis)
    for commands in count():
        redis.flushall()
        context = make_context(sweep_rate=FAST, policies=[policy_table(mode=mode)])
        changed, deleted = push_tags(registry, "team/app", 2, A)
        run_baseline(context)
        overwrite(registry, changed)
        registry.delete_manifest("team/app", "v001")
        interruptions.after(commands, die)
        try:
            run_sweep(context)
        except Killed:
            drain(context)
        else:
            break
        finally:
            interruptions.none()
        run_sweep(context)
        kinds = {violation.name: violation.kind for violation in context.violations.newest()}
        assert kinds == {name_of(changed): Decision.OVERWRITTEN, name_of(deleted): Decision.DELETED}
        assert len(list(context.violations.newest())) == 2
        if mode == "observe":
            assert len(context.alerts.queue) == 2
        else:
            assert restores(context) == [changed, deleted]
    assert commands > 10


class Meanwhile(Clock):
    """A clock of a sweep: `event` happens while the sweep waits, and nothing else takes any time."""

    def __init__(self, event):
        super().__init__()
        self.event = event

    def sleep(self, seconds):
        self.event()
        self.advance(seconds)


def test_a_push_whose_event_is_on_its_way(registry, make_context, context, recorded):
    """What differs is looked at again after a while, beside what the ledger says by then."""
    registry.put_manifest("team/app", "latest", A)
    registry.put_manifest("team/app", "new", A)

    def events_arrive():
        announce(context, "team/app:latest", Digest.of(A))
        announce(context, "team/app:new", Digest.of(A))

    clock = Meanwhile(events_arrive)
    began = clock.now
    timing = Timing(second_look=1, monotonic=clock.monotonic, sleep=clock.sleep)
    report = run_sweep(make_context(sweep_rate=FAST, timing=timing)).report
    assert clock.now - began == pytest.approx(1)
    assert (report.looked, report.recorded, report.followed, report.drift) == (22, 0, 0, 0)


def test_as_they_stood_when_the_policy_began(registry, context):
    """A sweep that comes before the policy's own baseline takes tags as they stand, too."""
    announce(context, "team/app:1", digest(1), time=Time.now().plus(-3600))
    registry.put_manifest("team/app", "1", A)
    report = run_sweep(context).report
    assert (report.drift, report.followed) == (0, 1)
    assert record_of(context, "team/app:1").digest == Digest.of(A)


class TestAfterAnUnlock:
    """What a tag is when an unlock ends becomes its record, told or not; from then on it is protected again."""

    @pytest.fixture
    def locked(self, registry, context, recorded):
        """A tag that was unlocked; nobody told us what was pushed meanwhile."""
        made = context.stores.unlocks.unlock(
            Unlock.parse(MAIN, recorded[3], seconds=60, now=Time.now(), by="ops", reason="repair")
        )
        overwrite(registry, recorded[3], B)
        context.stores.unlocks.lock(made.id, "ops")
        context.sweeps.add([("main/team", "")])
        return recorded[3]

    def test_what_it_is_then(self, context, locked):
        """The sweep that comes at its end takes the tag as it stands, and keeps its manifest."""
        jobs.sweep()
        assert record_of(context, locked).digest == Digest.of(B)
        assert not list(context.violations.newest())
        assert f"main/team/app@{Digest.of(B)}" in {claim.key for claim in context.keeps.claim(10)}

    def test_later(self, registry, context, locked):
        """What is changed after that sweep is drift, although nothing was announced since."""
        jobs.sweep()
        overwrite(registry, locked, A)
        run_sweep(context)
        (violation,) = context.violations.newest()
        assert (violation.recorded, violation.pushed) == (Digest.of(B), Digest.of(A))

    def test_never_unlocked(self, registry, context, recorded, locked):
        """Other tags were protected all the time."""
        overwrite(registry, recorded[4], B)
        jobs.sweep()
        (violation,) = context.violations.newest()
        assert violation.name == name_of(recorded[4])


class TestAfterAPause:
    """A tag that was protected, and then was not for a while in which nobody told us anything."""

    def switch(self, context, disabled):
        (policy,) = context.policies.current()
        context.policies.change(policy.id, lambda one: replace(one, disabled=disabled), "ops")
        context.baselines.claim(10)

    def test_as_it_stands(self, registry, context, recorded):
        """When its policy is switched on again, the tag is protected as it stands then."""
        self.switch(context, disabled=True)
        overwrite(registry, recorded[3], B)
        self.switch(context, disabled=False)
        assert run_sweep(context).report.drift == 0
        assert record_of(context, recorded[3]).digest == Digest.of(B)
        overwrite(registry, recorded[3], A)
        assert run_sweep(context).report.drift == 1

    def test_a_repository_that_cannot_be_read(self, registry, context, recorded):
        """One that is closed to us does not keep others from having been looked at, and is not taken for such."""
        self.switch(context, disabled=True)
        overwrite(registry, recorded[3], B)
        push_tags(registry, "team/closed", 1, A)
        self.switch(context, disabled=False)
        whole = registry._served
        registry._served = lambda repository, reference, headers: (
            denied() if repository == "team/closed" else whole(repository, reference, headers)
        )
        assert len(run_sweep(context).report.problems) == 1
        scanned = ScanTimes(context.redis).read()
        assert "main/team/app" in scanned
        assert "main/team/closed" not in scanned


def test_an_original_that_was_recorded_before_its_policy_is_kept(registry, context):
    """A protected tag that is in place and whose manifest is not kept has it fetched."""
    announce(context, "team/app:1", Digest.of(A), time=Time.now().plus(-3600))
    registry.put_manifest("team/app", "1", A)
    run_sweep(context)
    assert [claim.key for claim in context.keeps.claim(10)] == [f"main/team/app@{Digest.of(A)}"]


def test_a_clock_that_is_ahead(registry, context):
    """Where the registry's clock is ahead of ours, what a sweep finds is still later than what was recorded."""
    announce(context, "team/app:1", digest(1), time=Time.now().plus(200))
    registry.put_manifest("team/app", "1", A)
    assert run_sweep(context).report.drift == 1
    assert record_of(context, "team/app:1").digest == digest(1)


def test_since(registry, context):
    """With since, tags that were recorded earlier are not looked at; those without a record are."""
    announce(context, "team/app:old", digest(1), time=Time.now().plus(-7200))
    announce(context, "team/app:new", digest(1))
    registry.put_manifest("team/app", "none", A)
    assert run_sweep(context, since=Time.now().plus(-3600)).report.looked == 2


def test_deep(registry, context):
    """With deep, a tag in place of which a layer or a part is gone is named; foreign layers are nobody's to have."""
    registry.blobs = {Digest.of(each) for seed in ("a", "b") for each in blobs_of(seed)}
    registry.put_manifest("team/app", "whole", A)
    registry.put_manifest("team/app", "index", index(A, B), OCI_INDEX)
    registry.put_manifest("team/app", None, B)
    run_baseline(context)
    assert run_sweep(context, deep=True).report.broken == []
    lost = Digest.of(blob("b", "layer-0"))
    registry.blobs.remove(lost)
    report = run_sweep(context, deep=True).report
    assert report.broken == [f"main/team/app:index cannot be pulled: the registry has lost {lost}"]
    assert report.drift == 0
    registry.delete_manifest("team/app", Digest.of(B))
    (broken,) = run_sweep(context, deep=True).report.broken
    assert "team/app:index cannot be pulled: reading" in broken
    assert run_sweep(context).report.broken == []


def test_in_slices(registry, context, recorded):
    """A sweep that gives way to others goes on behind the last tag that it looked at, and its report is whole."""
    push_tags(registry, "team/b", 150, A)
    run_baseline(context)
    for text in ("team/app:v002", "team/app:v019", "team/b:v000", "team/b:v149"):
        overwrite(registry, text)
    registry.requests.clear()
    checkpoint = None
    for _ in range(20):
        swept = run_sweep(context, checkpoint, seconds=0)
        checkpoint = Checkpoint.read(swept.settled, Time.now())
        if swept.finished:
            break
    assert swept.finished
    assert swept.report.looked == 170
    assert [drift.name.removeprefix("main/") for drift in swept.report.drifted] == [
        "team/app:v002",
        "team/app:v019",
        "team/b:v000",
        "team/b:v149",
    ]
    assert context.violations.count_open() == 4


def test_an_own_problem(registry, context, recorded):
    """A tag that cannot be looked at is a problem and no drift."""
    whole = registry._served
    registry._served = lambda repository, reference, headers: (
        denied() if reference == "v007" else whole(repository, reference, headers)
    )
    report = run_sweep(context).report
    assert (report.drift, len(report.problems)) == (0, 1)
    assert "v007" in report.problems[0]


def denied():
    from tests.fakes.registry import errors

    return errors(403, "DENIED")


def test_away(registry, context, recorded):
    """A registry that is away ends the sweep, and is no drift."""
    with scan_of(context, MAIN) as scan:
        walk = whole_sweep(context, scan)
        registry.fail_with(503, times=1000)
        with pytest.raises(RegistryUnavailable):
            list(walk.run())
    assert walk.report.drift == 0
    assert restores(context) == []


class TestJob:
    """What workers do of the sweeps on the queue."""

    def test_a_sweep_of_a_registry(self, registry, context, recorded, caplog):
        """It sweeps, restores what drifted, and leaves its report."""
        overwrite(registry, recorded[0])
        context.sweeps.add([("main", "")])
        assert jobs.sweep() == 1
        assert restores(context) == [recorded[0]]
        assert "sweep of main: 20 tags" in caplog.text
        assert b'"drift": 1' in context.redis.hget(SWEEPS, "main")
        assert len(context.sweeps) == 0

    def test_of_one_namespace(self, registry, make_context):
        """Asked for one namespace it leaves the others alone."""
        policies = [policy_table(), policy_table(namespace="other")]
        context = make_context(sweep_rate=FAST, policies=policies)
        push_tags(registry, "team/app", 1, A)
        push_tags(registry, "other/app", 1, A)
        jobs.work_with(context)
        context.sweeps.add([("main/other", "")])
        jobs.sweep()
        assert record_of(context, "other/app:v000") is not None
        assert record_of(context, "team/app:v000") is None

    def test_a_long_one_gives_way(self, registry, make_context, recorded):
        """After a slice of time it goes back to the work queue, and is done in the end."""
        context = make_context(sweep_rate=FAST, timing=replace(HASTY, slice=0))
        push_tags(registry, "team/b", 100, A)
        overwrite(registry, recorded[19])
        context.sweeps.add([("main", "")])
        slices = 0
        while claims := context.sweeps.claim(1):
            sweep(context, claims[0])
            slices += 1
        assert slices > 2
        assert restores(context) == [recorded[19]]
        assert b'"looked": 120' in context.redis.hget(SWEEPS, "main")

    def test_never_two_at_once(self, registry, context, recorded):
        """While somebody sweeps a registry, a sweep of it or of a part of it is put off."""
        context.sweeps.add([("main", ""), ("main/team", "")])
        with sweep_lock(context.redis, MAIN):
            assert jobs.sweep() == 2
        assert len(context.sweeps) == 2
        assert not context.sweeps.is_due()
        assert context.redis.hlen(SWEEPS) == 0

    def test_put_off_while_the_registry_is_away(self, registry, context, recorded):
        """The sweep comes again, from where it was."""
        registry.fail_with(503, times=100)
        context.sweeps.add([("main", "")])
        jobs.sweep()
        assert len(context.sweeps) == 1
        assert not context.sweeps.is_due()

    def test_a_registry_that_is_configured_no_more(self, context, redis):
        """Its sweep is dropped."""
        jobs.work_with(context)
        WorkQueue(redis, Task.SWEEP).add([("former", "")])
        jobs.sweep()
        assert len(context.sweeps) == 0


def test_names(context):
    """A violation that a sweep finds says who found it."""
    announce(context, "team/app:1", digest(1))
    run_sweep(context)
    (violation,) = context.violations.newest()
    assert violation.name == name_of("team/app:1")
    assert violation.user_agent == "tag-enforcer sweep"
