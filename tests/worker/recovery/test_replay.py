from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from enforcer.events import Event
from enforcer.judgement.record import Decision
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.policies.patterns import Pattern
from enforcer.policies.unlock import Unlock
from enforcer.store.ledger import Ledger
from enforcer.times import Time
from tests.fakes.events import APP, BUILD, MAIN, NAME, deletion, digest, push
from tests.fakes.images import image, index
from tests.fakes.scans import FAST, announce, decisions_of, record_of, run_baseline
from tests.fakes.settings import policy_table
from worker.judging.drain import drain
from worker.recovery.dry_ledger import DryLedger
from worker.recovery.external_sort import ExternalSort
from worker.recovery.replay import BATCH, prepared_replay
from worker.recovery.transfer import export_state

START = Time("2026-01-01T00:00:00Z")
"""Long before the policy was in force."""


@pytest.fixture
def context(make_context):
    return make_context(sweep_rate=FAST)


def at(seconds: float) -> Time:
    return START.plus(seconds)


def replay(context, events, *, dry_run=False, honour_times=False, look=lambda _: None):
    """Replay events; returns its report and the violations found, and lets a test look at it before it ends."""
    with (
        ExternalSort() as sorter,
        prepared_replay(context, dry_run=dry_run, honour_times=honour_times) as whole,
    ):
        for event in events:
            sorter.add(event)
        for _ in whole.run(sorter.sorted()):
            pass
        look(whole)
        return whole.report, list(whole.found)


def state(context):
    """Everything that there is to export."""
    return sorted(export_state(context))


def history(seed: int, count: int) -> list[Event]:
    """Pushes and deletions of some tags in a random order, an overwrite now and then."""
    chance = random.Random(seed)
    events = []
    for number in range(count):
        fields = {"repository": f"team/app{chance.randrange(3)}", "tag": chance.choice(["1", "2", "latest"])}
        time = at(chance.randrange(100_000))
        if chance.random() < 0.1:
            events.append(deletion(f"d{number}", time, **fields))
        elif chance.random() < 0.05:
            events.append(deletion(f"d{number}", time, **fields | {"tag": None, "digest": digest(chance.randrange(3))}))
        else:
            events.append(push(f"p{number}", digest(chance.randrange(3)), time, media_type="x/y", **fields))
    return events


def test_an_original_that_only_a_baseline_knows(registry, redis, make_context):
    """The archive alone has what baselines found, too: what was pushed afterwards is no original."""
    context = make_context(sweep_rate=FAST)
    registry.put_manifest(APP, NAME.tag, image("original"))
    run_baseline(context)
    announce(context, f"{APP}:{NAME.tag}", digest(1))
    archive = [Event.from_json(text) for text in context.log.archive()]
    redis.flushdb()
    _, (found,) = replay(make_context(sweep_rate=FAST), archive)
    assert (found.recorded, found.pushed) == (Digest.of(image("original")), digest(1))


@pytest.mark.parametrize("seed", range(5))
def test_any_order_ends_in_the_same_ledger(context, redis, seed):
    """Whatever the order of an archive, and in however many files, the ledger is the same in the end."""
    events = history(seed, 300)
    replay(context, sorted(events, key=lambda event: event.order))
    in_order = state(context)
    redis.flushdb()
    context.policies.apply_settings(context.settings.policies)
    random.Random(seed).shuffle(events)
    replay(context, events)
    assert without_times(state(context)) == without_times(in_order)


def without_times(lines):
    """Exported lines without the policy, which has just been made anew."""
    return [line for line in lines if '"kind": "policy"' not in line]


@pytest.mark.parametrize("limit", [100, 5], ids=["whole history", "history cut off"])
def test_twice_changes_nothing(make_context, limit):
    """Replaying the same events again writes nothing, though the ledger has forgotten the oldest."""
    context = make_context(sweep_rate=FAST, history_limit=limit)
    events = history(7, 300)
    first, found = replay(context, events)
    before = state(context)
    second, again = replay(context, events)
    assert state(context) == before
    assert second.events == first.events
    if limit == 100:
        assert second.decisions == first.decisions
        assert [violation.id for violation in again] == [violation.id for violation in found]


def test_as_if_the_policies_had_always_been_in_force(context):
    """What was pushed long before the policy is judged by it; the first digest is the original."""
    events = [push("1", digest(1), at(0)), push("2", digest(2), at(60)), push("3", digest(2), at(9000))]
    report, found = replay(context, events)
    assert record_of(context, "team/app:1.0").digest == digest(1)
    assert report.decisions == {Decision.RECORDED: 1, Decision.OVERWRITTEN: 2}
    assert [(violation.name, violation.pushed) for violation in found] == [(NAME, digest(2))] * 2


def test_honour_times(context):
    """With honour_times a policy says nothing of what was before it."""
    report, found = replay(context, [push("1", digest(1), at(0)), push("2", digest(2), at(60))], honour_times=True)
    assert record_of(context, "team/app:1.0").digest == digest(2)
    assert (report.decisions, found) == ({Decision.MOVED: 2}, [])


def test_unlocks_are_of_their_own_time(context):
    """What was moved while it was unlocked is no violation."""
    unlock = Unlock(
        id=0,
        registry=MAIN,
        repositories=Pattern.parse("team/app"),
        tags=Pattern.parse("*"),
        begins=at(50),
        ends=at(100),
        by="joan",
        reason="rebuild",
    )
    context.stores.unlocks.unlock(unlock)
    _, found = replay(
        context, [push("1", digest(1), at(0)), push("2", digest(2), at(60)), push("3", digest(3), at(120))]
    )
    assert record_of(context, "team/app:1.0").digest == digest(2)
    assert [violation.pushed for violation in found] == [digest(3)]


def test_no_limit_on_lateness(context):
    """An archive may tell of an original that is older than everything that was judged live."""
    context.log.append([push("live", digest(2), Time.now())])
    drain(context)
    _, found = replay(context, [push("old", digest(1), at(0))])
    assert record_of(context, "team/app:1.0").digest == digest(1)
    assert [(violation.pushed, violation.event_id) for violation in found] == [(digest(2), "live")]


def test_an_index_that_comes_in_another_batch(context, registry):
    """A part of an index is no violation, though the index is judged in a later batch; it is not reported as one."""
    parts = [image("a"), image("b")]
    whole = index(*parts)
    registry.put_manifest(APP, None, whole, OCI_INDEX)
    policies = context.policies
    policies.change(next(iter(policies.current())).id, lambda policy: replace(policy, settle=120), "ops")
    build = [push(f"part-{number}", Digest.of(part), at(number), **BUILD) for number, part in enumerate(parts)]
    others = [push(f"other-{number}", digest(1), at(2 + number / BATCH), tag="other") for number in range(BATCH)]
    done = push("index", Digest.of(whole), at(60), media_type=OCI_INDEX, children=tuple(map(Digest.of, parts)), **BUILD)
    _, found = replay(context, [*build, *others, done])
    assert record_of(context, "team/app:1.0").digest == Digest.of(whole)
    assert found == []


def test_what_events_leave_out_is_read(context, registry):
    """An index whose event does not list its manifests is recorded with them, as it is when it is judged live."""
    child = registry.put_manifest(APP, None, image("a"))
    found = registry.put_manifest(APP, "1.0", index(image("a")), OCI_INDEX)
    replay(context, [push("1", found, at(0), media_type=OCI_INDEX)])
    record = record_of(context, "team/app:1.0")
    assert (record.digest, record.children) == (found, (child,))
    assert context.ledger.keeps(MAIN, APP, found)


def test_registry_away(context, registry, caplog):
    """A registry that does not answer is asked once and no more, and that is said."""
    registry.stop()
    events = [push(str(number), digest(number), at(number), tag=f"t{number}") for number in range(50)]
    report, _ = replay(context, events)
    assert report.decisions == {Decision.RECORDED: 50}
    assert 0 < caplog.text.count("is not read for now") < 10


class TestDryRun:
    """What a replay would do, without doing it."""

    def test_writes_nothing(self, context, registry, redis):
        """Redis is the same before and after; what is read of the registry is not kept either."""
        registry.put_manifest(APP, "1.0", index(image("a")), OCI_INDEX)
        context.log.append([push("live", digest(2), Time.now())])
        drain(context)
        before = {key: redis.dump(key) for key in redis.scan_iter()}
        replay(context, [*history(1, 50), push("1", Digest.of(index(image("a"))), at(0))], dry_run=True)
        assert {key: redis.dump(key) for key in redis.scan_iter()} == before

    @pytest.mark.parametrize("limit", [100, 5], ids=["whole history", "history cut off"])
    @pytest.mark.parametrize("seed", range(3))
    def test_tells_the_same(self, make_context, seed, limit):
        """Its report and violations, and the records that it would make, are those of the replay itself."""
        context = make_context(sweep_rate=FAST, history_limit=limit)
        first, second = history(seed, 150), history(seed + 100, 150)
        replay(context, first)
        records = all_records(context.ledger)
        differences = {}

        def look(whole):
            for name, before, after in whole.judge.ledger.differences():
                assert before == records.get(name)
                differences[name] = after

        told = replay(context, second, dry_run=True, look=look)
        done = replay(context, second)
        assert told[0].decisions == done[0].decisions
        assert [each.id for each in told[1]] == [each.id for each in done[1]]
        now = all_records(context.ledger)
        assert {name: record for name, record in now.items() if record != records.get(name)} == differences

    def test_what_it_remembers_is_bounded(self, make_context):
        """Of each tag it remembers as much history as the ledger would."""
        context = make_context(history_limit=5)
        dry = DryLedger(context.ledger)
        with prepared_replay(context, dry_run=True, honour_times=False) as whole:
            list(whole.run(iter([push(str(number), digest(1), at(number)) for number in range(50)])))
            dry = whole.judge.ledger
            assert len(dry.histories([NAME])[NAME]) == 5
            assert dry._database.execute("SELECT count(*) FROM entries").fetchone() == (5,)


def all_records(ledger: Ledger):
    """The record of every tag."""
    return {
        type(NAME)(registry, repository, tag): state.record
        for registry, repository in ledger.repositories()
        for tag, state in ledger.tags(registry, repository).items()
    }


def test_violations_by_time(context):
    """Violations are told in the order of their events, whatever the repository."""
    repositories = ["team/b", "team/a"] * 10
    events = [push(f"o{name}", digest(1), at(0), repository=name) for name in ("team/a", "team/b")]
    events += [push(f"v{n}", digest(2), at(100 + n), repository=name) for n, name in enumerate(repositories)]
    _, found = replay(context, events)
    assert len(found) == 20
    assert all(first.time < second.time for first, second in pairwise(found))


def test_policies_that_only_observe(make_context):
    """Their violations are found as well."""
    context = make_context(policies=[policy_table(mode="observe")])
    _, found = replay(context, [push("1", digest(1), at(0)), push("2", digest(2), at(60))])
    assert len(found) == 1
    assert decisions_of(context, "team/app:1.0") == [Decision.RECORDED, Decision.OVERWRITTEN]
