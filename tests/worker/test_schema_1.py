"""Data that the last version without a schema number left behind is read as if it had never been another program's.

tests/data/schema-1.json is a dump of its Redis, schema-1.export.jsonl what its `enforcer-worker export` wrote. In it CI
pushed three tags. 1.0 was deleted, and that violation is closed; 2.0 was overwritten, and put back once; 3.0 was
overwritten, and not yet put back. An approval waits in the log, and a worker died while it had a restore.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.manifests import Manifest
from enforcer.names import Digest, Tag, TagName
from enforcer.store.schema import KEY, check_schema, write_schema
from enforcer.times import Time
from tests.fakes.clock import Clock
from tests.fakes.dump import load_dump
from tests.fakes.events import APP, MAIN
from tests.fakes.images import image
from tests.fakes.settings import registry_table, settings
from worker.context import Context
from worker.enforcement.progress import Progress
from worker.judging.drain import drain
from worker.recovery.documents import Document
from worker.recovery.transfer import Import
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.report import SWEEPS, Report

DATA = Path(__file__).parent.parent / "data"
ORIGINAL, OTHER = Digest.of(image("original")), Digest.of(image("other"))


def name(tag: str) -> TagName:
    return TagName(MAIN, APP, Tag(tag))


@pytest.fixture
def worker(redis, registry):
    """A worker of this version, long after."""
    redis.clock.clock = Clock()
    return Context(settings(registries={"main": registry_table(registry.url)}), redis, consumer="host-1")


@pytest.fixture
def old(worker):
    """That worker, on the data of that version."""
    load_dump(worker.redis, DATA / "schema-1.json")
    check_schema(worker.redis)
    write_schema(worker.redis)
    return worker


@pytest.fixture
def imported(worker):
    """That worker, on an empty Redis that took the export of that version."""
    lines = (DATA / "schema-1.export.jsonl").read_text(encoding="utf-8").splitlines()
    whole = Import(worker)
    list(whole.run([Document(f"line {number}", json.loads(line), text=line) for number, line in enumerate(lines, 1)]))
    assert whole.report.problems == []
    return worker


@pytest.fixture(params=["old", "imported"])
def context(request):
    return request.getfixturevalue(request.param)


def test_it_is_the_first_schema(old):
    """Data without a number is of schema 1, and says so from then on."""
    assert old.redis.get(KEY) == b"1"


def test_ledger(context):
    """Every tag has its record and its history, and the manifest is kept."""
    states = context.ledger.tags(MAIN, APP)
    assert {tag: (state.record.digest, state.record.deleted) for tag, state in states.items()} == {
        "1.0": (ORIGINAL, True),
        "2.0": (ORIGINAL, False),
        "3.0": (ORIGINAL, False),
    }
    decisions = {tag: [entry.decision for entry in context.ledger.history(name(tag))] for tag in states}
    assert decisions == {
        "1.0": [Decision.RECORDED, Decision.DELETED],
        "2.0": [Decision.RECORDED, Decision.OVERWRITTEN],
        "3.0": [Decision.RECORDED, Decision.OVERWRITTEN],
    }
    kept = context.ledger.kept(MAIN, APP, ORIGINAL)
    assert isinstance(kept, Manifest)
    assert kept.content == image("original")


def test_violations(context):
    """Open ones are open, closed ones are closed, each with its facts."""
    found = {each.name.tag: each for each in context.violations.newest()}
    assert {tag: (each.kind, each.state, each.recorded) for tag, each in found.items()} == {
        "1.0": (Decision.DELETED, State.RESTORED, ORIGINAL),
        "2.0": (Decision.OVERWRITTEN, State.OPEN, ORIGINAL),
        "3.0": (Decision.OVERWRITTEN, State.OPEN, ORIGINAL),
    }
    assert (found["1.0"].exposure, found["2.0"].actor, found["2.0"].pushed) == (12, "mallory", OTHER)
    assert context.violations.count_open() == 2


def test_policies(context):
    """The policy is in force as it was, and so is the unlock."""
    (policy,) = [each for each in context.policies.current() if each.comment == "changed"]
    assert (policy.id, policy.namespace) == (1, "team")
    assert [(unlock.id, unlock.reason) for unlock in context.policies.current().unlocks] == [(2, "repair")]


def test_audit(old):
    """The audit goes on where it was."""
    assert [entry.what for entry in old.stores.audit.newest()][:2] == ["approved", "policy changed"]


def test_restores_go_on(old):
    """A restore goes on behind its checkpoint, that of the dead worker as soon as its lease has run out."""
    old.restores.take_over()
    found = {claim.key: claim for claim in old.restores.claim(10)}
    assert set(found) == {str(name(tag)) for tag in ("1.0", "2.0", "3.0")}
    begun = found[str(name("2.0"))]
    progress = Progress.read(begun.checkpoint)
    assert (progress.answered, progress.puts, progress.look, begun.generation) == (1, 1, 0, 1)
    assert Progress.read(found[str(name("3.0"))].checkpoint) == Progress()
    assert old.restores.done(begun)


def test_sweeps_and_baselines_go_on(old):
    """The last report is read, and a sweep that had begun goes on where it was."""
    assert Report.from_dict(json.loads(old.redis.hget(SWEEPS, "main"))).drift == 1
    (claim,) = old.sweeps.claim(10)
    checkpoint = Checkpoint.read(claim.checkpoint, Time.now())
    assert (claim.key, checkpoint.repository, checkpoint.tag, checkpoint.report.looked) == (
        "main",
        "team/app",
        "1.0",
        3,
    )
    assert [claim.key for claim in old.baselines.claim(10)] == ["main/team"]


def test_the_log_goes_on(old):
    """What was accepted and not judged is judged; dead letters are there byte for byte."""
    assert old.log.waiting() == 1
    drain(old)
    assert old.log.waiting() == 0
    assert old.ledger.history(name("1.0"))[-1].event.reason == "fix"
    (letter,) = old.log.dead_letters()
    assert (letter.reason, letter.body) == ("not understood", b"\x00\xff{broken")
