"""The operator's commands on real servers: what nobody told is found, what was stopped or lost comes back."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from enforcer.judgement.violation import State
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.store.ledger import Ledger
from enforcer.store.violations import Violations
from enforcer.store.wakeups import Task
from enforcer.times import Time
from tests.fakes.images import blobs_of, image
from tests.integration.installation import Installation, installation, wait_for
from tests.integration.operator import Operator
from tests.integration.servers import delete_manifest, push_blob, push_manifest, start_registry
from worker.scanning.report import SWEEPS

pytestmark = pytest.mark.integration

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
REPOSITORIES = [f"team/app{number}" for number in range(5)]


@pytest.fixture(autouse=True, scope="module")
def fast():
    """Surveys that wait for the registry alone, and for their lock only a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ENFORCER_SWEEP_RATE", "5000")
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """An installation with 100 protected tags, all recorded and kept, and nothing left to do."""
    with installation(tmp_path_factory.mktemp("operations")) as whole:
        push_tags(whole.registry.url, REPOSITORIES, 20)
        wait_until_swept(whole)
        yield whole


@pytest.fixture
def stopped(tmp_path):
    """Registry and Redis alone."""
    whole = Installation(tmp_path)
    yield whole
    whole.stop()


@contextmanager
def quiet(whole):
    """Another registry on the same storage, which tells nobody what happens on it."""
    storage = {"filesystem": {"rootdirectory": str(whole.registry.storage)}}
    registry = start_registry(whole.directory / "quiet", extra={"storage": storage})
    try:
        yield registry.url
    finally:
        registry.stop()


def manifest(name):
    """One of any number of manifests of the same blobs."""
    return image("base", label=name)


def push_tags(url, repositories, count):
    """Push so many tags to each repository, each with a manifest of its own."""
    for repository in repositories:
        for blob in blobs_of("base"):
            push_blob(url, repository, blob)
        for number in range(count):
            push_manifest(url, repository, f"v{number}", manifest(f"{repository} {number}"))


def originals(repositories=REPOSITORIES, count=20):
    """What each tag must be."""
    return {
        (repository, f"v{number}"): Digest.of(manifest(f"{repository} {number}"))
        for repository in repositories
        for number in range(count)
    }


def wrong(whole, tags=None):
    """The tags that are not what they must be."""
    return {
        (repository, tag)
        for (repository, tag), digest in (tags or originals()).items()
        if whole.digest(repository, tag) != digest
    }


def overwrite(url, places, name="evil"):
    """Move tags behind everybody's back."""
    for repository, tag in places:
        push_manifest(url, repository, tag, manifest(name))


def worker(whole, *words, status=0):
    """The report of a command of `enforcer-worker` that ends with that status."""
    return json.loads(Operator(whole).run(*words, "--json", module="worker", status=status))


def start(whole, *words):
    """Start a command of `enforcer-worker`."""
    return subprocess.Popen(
        [sys.executable, "-m", "worker", *words],
        cwd=whole.directory,
        env=os.environ | {"ENFORCER_CONFIG": str(whole.directory / "enforcer.toml")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_swept(whole):
    """Wait until nothing is left to do, sweeps included: these would find what a test is about to change.

    Work gives rise to work, so idle twice: baselines have a sweep made, and that has manifests kept.
    """
    operator = Operator(whole)
    wait_for(
        lambda: operator.is_idle() and not operator.has_to_do(Task.SWEEP) and operator.is_idle(),
        seconds=60,
        what="the end of all work",
    )


def start_workers(whole):
    """Start the workers, and wait until the sweep that they begin with is over: the next one is ten minutes away."""
    began = Time.now()
    whole.start_workers()
    wait_for(lambda: last_sweep(whole) > began, seconds=60, what="the sweep at the start")


def last_sweep(whole):
    """When the last whole sweep ended."""
    report = Operator(whole).store.hget(SWEEPS, "main")
    return json.loads(report)["finished"] if report else ""


def records(whole, places):
    """The record of each tag."""
    names = [TagName(RegistryName("main"), Repository(repository), Tag(tag)) for repository, tag in places]
    states = Ledger(Operator(whole).store).states(names)
    return {(name.repository, name.tag): states[name].record for name in names}


def export(whole, *words):
    """Every line of an export, sorted."""
    return sorted(Operator(whole).run("export", *words, module="worker").splitlines())


def violations(whole):
    """All of them by their ids."""
    return {violation.id: violation for violation in Violations(Operator(whole).store).newest(limit=1000)}


def test_fifty_tags_behind_its_back(running):
    """One sweep restores exactly the 50 tags that were changed without an event; the next one finds none."""
    changed = random.Random(50).sample(sorted(originals()), 50)
    wait_until_swept(running)
    before = violations(running)
    with quiet(running) as url:
        overwrite(url, changed[:40])
        for repository, tag in changed[40:]:
            delete_manifest(url, repository, originals()[repository, tag])
    assert wrong(running) == set(changed)
    report = worker(running, "sweep", status=3)
    assert (report["looked"], report["drift"], report["unrestored"]) == (100, 50, [])
    assert {drift["name"] for drift in report["drifted"]} == {f"main/{name}:{tag}" for name, tag in changed}
    assert sum(drift["found"] is None for drift in report["drifted"]) == 10
    assert wrong(running) == set()
    found = [violation for key, violation in violations(running).items() if key not in before]
    assert sorted((violation.name.repository, violation.name.tag) for violation in found) == sorted(changed)
    assert {violation.state for violation in found} == {State.RESTORED}
    again = worker(running, "sweep")
    assert (again["looked"], again["recorded"], again["followed"], again["drift"]) == (100, 0, 0, 0)


def test_report_only_changes_nothing(running):
    """With --report-only a sweep tells what it would restore, and does not."""
    place = (REPOSITORIES[0], "v0")
    with quiet(running) as url:
        overwrite(url, [place])
        before = export(running)
        report = worker(running, "sweep", "--report-only", status=3)
        assert [drift["name"] for drift in report["drifted"]] == [f"main/{REPOSITORIES[0]}:v0"]
        assert export(running) == before
        assert wrong(running) == {place}
        push_manifest(url, *place, manifest(f"{REPOSITORIES[0]} 0"))


def test_sweep_at_the_start_of_the_workers(running):
    """What changed while nothing ran is restored by the sweep that every start begins with."""
    running.workers.stop()
    changed = [(REPOSITORIES[1], "v1"), (REPOSITORIES[2], "v2")]
    with quiet(running) as url:
        overwrite(url, changed)
    assert wrong(running) == set(changed)
    running.start_workers()
    wait_for(lambda: not wrong(running, {place: originals()[place] for place in changed}), what="the restore")


def test_burst(running):
    """Without any worker, `run --burst` judges, restores and tells all that waits, and ends."""
    changed = [(REPOSITORIES[3], f"burst{number}") for number in range(10)]  # of which nobody was told before
    overwrite(running.registry.url, changed, "good")
    wait_for(lambda: all(records(running, changed).values()), what="the records")
    running.workers.stop()
    overwrite(running.registry.url, changed)
    wait_for(lambda: running.pending() == 0 and running.waiting() >= 10, what="the events")
    told = len(running.hook.of(REPOSITORIES[3]))
    Operator(running).run("run", "--burst", module="worker")
    assert wrong(running, dict.fromkeys(changed, Digest.of(manifest("good")))) == set()
    assert len(running.hook.of(REPOSITORIES[3])) - told == 20
    assert running.waiting() == 0
    start_workers(running)


def test_baseline_killed_three_times(stopped, monkeypatch):
    """Killed and started again three times, a baseline ends complete and correct, and tells of all."""
    with quiet(stopped) as url:
        push_tags(url, REPOSITORIES, 40)
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "150")
    done = [0]
    for _ in range(3):
        with start(stopped, "baseline") as child:
            wait_for(lambda: count_records(stopped) > done[-1] + 10, what="some records")
            child.kill()
        done.append(count_records(stopped))
    assert done == sorted(set(done))
    assert 0 < done[-1] < 200
    report = worker(stopped, "baseline")
    assert (report["looked"], report["differing"], report["problems"]) == (200, [], [])
    every = originals(count=40)
    assert {place: record.digest for place, record in records(stopped, every).items()} == every
    assert sum(json.loads(line)["kind"] == "manifest" for line in export(stopped)) == 200


def count_records(whole):
    return sum(record is not None for record in records(whole, originals(count=40)).values())


def test_interrupted_by_hand(stopped, monkeypatch):
    """Ctrl-C and SIGTERM end a baseline and a sweep as a shell expects; the baseline goes on where it was."""
    with quiet(stopped) as url:
        push_tags(url, REPOSITORIES, 10)
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "20")
    with start(stopped, "baseline") as child:
        wait_for(lambda: Operator(stopped).store.keys("te:baseline:*"), what="the first records")
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=10)
    assert (child.returncode, said.strip()) == (130, "")
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "5000")
    result = run_to_end(stopped, "baseline")
    assert "going on where it was stopped" in result.stderr
    assert "50 tags looked at, 50 recorded" in result.stderr
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "20")
    with start(stopped, "sweep") as child:
        wait_for(lambda: Operator(stopped).store.exists("te:sweeping:main"), what="the sweep")
        time.sleep(0.5)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=10)
    assert (child.returncode, said) == (143, "")
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "5000")
    assert worker(stopped, "sweep")["looked"] == 50


def run_to_end(whole, *words):
    with start(whole, *words) as child:
        out, err = child.communicate(timeout=60)
    return subprocess.CompletedProcess(words, child.returncode, out, err)


def test_servers_that_are_away(stopped):
    """Without the registry, and without Redis, each command says so in one line, with status 1."""
    stopped.registry.stop()
    for command in ("baseline", "sweep"):
        result = run_to_end(stopped, command)
        assert result.returncode == 1
        assert re.fullmatch(r"enforcer-worker: listing the repositories of main: no answer from .*\n", result.stderr)
    stopped.redis.stop()
    for words in (["baseline"], ["sweep"], ["export"], ["import", "-"], ["replay", "/dev/null"], ["run", "--burst"]):
        result = run_to_end(stopped, *words)
        assert result.returncode == 1
        assert re.fullmatch(r"enforcer-worker: Redis .*\n", result.stderr), result.stderr


PROTECTED = originals(REPOSITORIES[:2], 10)


@pytest.fixture(scope="module")
def eventful(tmp_path_factory):
    """An installation with a past, exported and stopped: recorded tags, two of them overwritten and restored."""
    moved = [(REPOSITORIES[0], "v1"), (REPOSITORIES[0], "v2"), (REPOSITORIES[0], "latest")]
    with installation(tmp_path_factory.mktemp("loss")) as whole:
        push_tags(whole.registry.url, REPOSITORIES[:2], 10)
        whole.settle()
        overwrite(whole.registry.url, moved)
        wait_for(lambda: len(whole.hook.alerts) == 4 and not wrong(whole, PROTECTED), what="the restores")
        whole.settle()
        whole.workers.stop()
        whole.receiver.stop()
        for name, words in (("export.jsonl", []), ("events.jsonl", ["--events"])):
            (whole.directory / name).write_text(Operator(whole).run("export", *words, module="worker"))
        yield whole


@pytest.fixture
def before(eventful):
    """What all records must be again, now that Redis has lost them."""
    Operator(eventful).run("import", "export.jsonl", module="worker")
    found = records(eventful, PROTECTED)
    Operator(eventful).store.flushall()
    return found


def exported_violations(whole):
    """The tags of the violations that were exported before the loss."""
    lines = map(json.loads, (whole.directory / "export.jsonl").read_text().splitlines())
    found = [line["violation"] for line in lines if line["kind"] == "violation"]
    return {(violation["repository"], violation["tag"]) for violation in found}


class TestAfterALossOfRedis:
    """The recipe of docs/operations.md, step by step."""

    def test_export_and_import_are_equal(self, eventful, before):
        """Export, FLUSHALL, import: what is exported then is equal, byte by byte."""
        self.run(eventful, "enforcer-worker import export.jsonl")
        lines = (eventful.directory / "export.jsonl").read_text().splitlines()
        assert export(eventful) == sorted(lines)
        kinds = {json.loads(line)["kind"] for line in lines}
        assert kinds >= {"tag", "manifest", "policy", "survey"}

    def test_replay(self, eventful, before):
        """Without an export, from archived events: the records of all protected tags are as they were."""
        self.run(eventful, "enforcer-worker replay events.jsonl")
        assert records(eventful, PROTECTED) == before
        state = export(eventful)
        self.run(eventful, "enforcer-worker replay events.jsonl")
        assert export(eventful) == state

    @pytest.mark.parametrize("first", ["import export.jsonl", "replay events.jsonl"])
    def test_recipe(self, eventful, before, first):
        """Import or replay, baseline, sweep: what was overwritten meanwhile is restored, what was pushed recorded."""
        changed = {(REPOSITORIES[1], "v5"), (REPOSITORIES[1], "v6")}
        with quiet(eventful) as url:
            overwrite(url, changed)
            push_manifest(url, REPOSITORIES[1], "new", manifest("new"))
        commands = [f"enforcer-worker {first}", "enforcer-worker baseline", "enforcer-worker sweep"]
        page = OPERATIONS.read_text().partition("## After a loss of Redis")[2]
        places = [page.index(command) for command in commands]
        assert places == sorted(places)
        for command in commands:
            self.run(eventful, command)
        assert wrong(eventful, PROTECTED) == set()
        recorded = records(eventful, [*PROTECTED, (REPOSITORIES[1], "new")])
        assert recorded.pop((REPOSITORIES[1], "new")).digest == Digest.of(manifest("new"))
        assert {place: record.digest for place, record in recorded.items()} == PROTECTED
        found = Violations(Operator(eventful).store).newest()
        earlier = exported_violations(eventful) if first.startswith("import") else set()
        assert {(violation.name.repository, violation.name.tag) for violation in found} == changed | earlier
        self.runs_again(eventful)

    def runs_again(self, whole):
        """After the recipe the installation runs as before: nothing is wrong, and nothing but the sweep's is told."""
        told = len(whole.hook.alerts)
        whole.start()
        wait_for(lambda: len(whole.hook.alerts) == told + 4, what="the alerts of the recipe")
        wait_until_swept(whole)
        assert wrong(whole, PROTECTED) == set()
        assert worker(whole, "sweep")["drift"] == 0
        assert len(whole.hook.alerts) == told + 4
        whole.workers.stop()
        whole.receiver.stop()

    def run(self, whole, command):
        """Run a command as the page has it; that something was found is no failure."""
        program, *words = command.split()
        assert program == "enforcer-worker"
        result = run_to_end(whole, *words)
        assert result.returncode in (0, 3), result.stderr
