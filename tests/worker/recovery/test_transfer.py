from __future__ import annotations

import json

import pytest
from fakeredis import FakeServer, FakeStrictRedis

from enforcer.judgement.violation import State
from enforcer.policies.patterns import Pattern
from enforcer.policies.unlock import Unlock
from enforcer.store.log import LOG
from enforcer.store.namespaces import Namespaces
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, deletion, digest, push
from tests.fakes.images import image, index
from tests.fakes.scans import FAST, announce, push_tags, record_of, run_baseline
from tests.fakes.settings import policy_table, registry_table, settings
from worker import jobs
from worker.context import Context
from worker.judging.drain import drain
from worker.recovery.documents import Document
from worker.recovery.transfer import Import, export_events, export_state


@pytest.fixture
def context(make_context):
    return make_context(sweep_rate=FAST)


@pytest.fixture
def other():
    """A worker with an empty Redis of its own."""
    given = settings(registries={"main": registry_table()})
    return Context(given, FakeStrictRedis(server=FakeServer()), consumer="other")


@pytest.fixture
def full(context, registry):
    """A store with something of everything."""
    push_tags(registry, "team/app", 5, image("a"))
    push_tags(registry, "team/b", 5, index())
    run_baseline(context)
    jobs.work_with(context)
    jobs.baseline()
    announce(context, "team/app:v000", digest(1))
    announce(context, "team/c:1", digest(1))
    context.log.append([deletion("d1", tag="v001"), push("p1", digest(5), tag="v002")])
    drain(context)
    now = Time.now()
    context.stores.unlocks.unlock(
        Unlock(
            id=0,
            registry=MAIN,
            repositories=Pattern.parse("team/app"),
            tags=Pattern.parse("*"),
            begins=now,
            ends=now.plus(60),
            by="joan",
            reason="why not",
        )
    )
    Namespaces(context.redis, context.settings).of("main")
    return context


def test_an_open_violation_is_pursued(full, other):
    """What was not restored yet is asked for where it is imported."""
    open_ones = {str(violation.name) for violation in full.violations.newest() if violation.state is State.OPEN}
    assert open_ones
    take(other, list(export_state(full)))
    assert {claim.key for claim in other.restores.claim(100)} == open_ones
    assert other.violations.count_open() == len(open_ones)


def documents(lines):
    return [Document(f"file:{number}", json.loads(line), text=line) for number, line in enumerate(lines, 1)]


def take(context, lines):
    """Import lines; returns the report."""
    whole = Import(context)
    assert list(whole.run(documents(lines))) == list(range(1, len(lines) + 1))
    return whole.report


def kinds(lines):
    return {json.loads(line)["kind"] for line in lines}


def test_an_empty_store_becomes_equal(full, other):
    """What was exported and imported is exported again in the same words."""
    lines = list(export_state(full))
    assert kinds(lines) == {"tag", "manifest", "violation", "policy", "unlock", "namespace", "survey"}
    report = take(other, lines)
    assert report.problems == []
    assert report.left.total() == 0
    assert sorted(export_state(other)) == sorted(lines)


def test_in_any_order(full, other):
    """So it does when the lines were sorted, as for comparing two exports."""
    lines = sorted(export_state(full))
    assert take(other, lines).problems == []
    assert sorted(export_state(other)) == lines


def test_what_is_there_stays(full):
    """Importing into the store that it came from takes nothing."""
    before = sorted(export_state(full))
    report = take(full, before)
    assert report.taken.total() == 0
    assert report.left.total() == len(before)
    assert sorted(export_state(full)) == before


def test_a_tag_that_is_there_stays(full, other):
    """A record of today is not overwritten by one of the export; its history is that of today, too."""
    announce(other, "team/app:v000", digest(9))
    assert take(other, list(export_state(full))).left == {"tag": 1}
    assert record_of(other, "team/app:v000").digest == digest(9)


def test_a_policy_that_says_the_same_is_there(full, other):
    """The policy that the configuration declares is not added a second time under another id."""
    others = [policy_table(namespace="first"), policy_table()]
    other.policies.apply_settings(settings(policies=others).policies)
    assert take(other, list(export_state(full))).left["policy"] == 1
    assert len(list(other.policies.current())) == 2


def test_policies_come_last(full, other):
    """Their baselines must not record what the rest of the import is about to bring."""
    lines = sorted(export_state(full), key=lambda line: json.loads(line)["kind"] != "policy")
    whole = Import(other)
    assert {len(list(other.policies.current())) for _ in whole.run(documents(lines))} == {0}
    assert len(list(other.policies.current())) == 1


def test_ids_go_on_behind_the_imported_ones(full, other):
    """A policy that is made after an import gets no id that another one, or an unlock, had."""
    take(other, list(export_state(full)))
    unlock = next(iter(other.policies.current().unlocks))
    assert other.stores.unlocks.unlock(unlock).id > unlock.id


def test_numbers_of_namespaces(full, other):
    """A namespace keeps its number, and one that another has by now is not given twice."""
    numbers = Namespaces(full.redis, full.settings).numbers()
    assert set(numbers) == {"main/team"}
    Namespaces(other.redis, other.settings).put_back("main/quick", numbers["main/team"])
    report = take(other, list(export_state(full)))
    assert report.left["namespace"] == 1
    assert Namespaces(other.redis, other.settings).numbers() == {"main/quick": numbers["main/team"]}


def manifest(content):
    place = {"registry": "main", "repository": "team/app"}
    return {"kind": "manifest", "digest": digest(1), "media_type": "x/y", "content": content} | place


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"kind": "tag"}, "'registry' is missing"),
        ({}, "'kind' is missing"),
        ({"kind": "cat"}, "unknown kind 'cat'"),
        ([], "file:1"),
        (None, "file:1"),
        (manifest("eA=="), "served bytes of"),
        (manifest("?"), "file:1"),
        ({"kind": "namespace", "place": "main/a", "number": "no"}, "file:1"),
    ],
)
def test_bad_lines_are_told_and_do_not_stop_it(full, other, value, words):
    """A line that cannot be taken is named with the reason; all others are taken."""
    lines = [json.dumps(value), *export_state(full)]
    report = take(other, lines)
    assert len(report.problems) == 1
    assert words in report.problems[0]
    assert report.taken.total() == len(lines) - 1


def test_a_line_that_is_no_json(other):
    """So is one that could not be read."""
    whole = Import(other)
    list(whole.run([Document("file:1", problem="no JSON: …")]))
    assert whole.report.problems == ["file:1: no JSON: …"]


def test_a_kept_manifest_that_is_damaged(full, caplog):
    """It is left out and told; the rest is exported."""
    key = f"te:{{main/{APP}}}:manifests"
    (kept,) = full.redis.hkeys(key)
    full.redis.hset(key, kept, b"nonsense")
    lines = list(export_state(full))
    assert sum(json.loads(line)["kind"] == "manifest" for line in lines) == 1
    assert "of no use" in caplog.text


def test_the_archive_of_events(context):
    """Accepted events come oldest first, each as one line, judged or not; what is no event any more as it is."""
    events = [push(str(number), digest(number)) for number in range(2500)]
    for start in range(0, 2500, 500):
        context.log.append(events[start : start + 500])
    context.redis.xadd(LOG, {"event": b'{"broken'})
    *lines, broken = export_events(context.log)
    assert [json.loads(line)["id"] for line in lines] == [event.id for event in events]
    assert broken == '{"broken'
    assert NAME.tag == json.loads(lines[0])["tag"]
