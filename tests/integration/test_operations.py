"""The operator's commands on real servers: what nobody told is found, what was stopped goes on, what was lost is back."""

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
import requests

from enforcer.ledger.store import Ledger
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.violations import State, Violations
from tests.fakes.images import blobs_of, image
from tests.integration.installation import Installation, installation, wait_for
from tests.integration.operator import Operator
from tests.integration.servers import push_blob, push_manifest, start_registry

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
        Operator(whole).wait_until_idle()
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
    return json.dumps(json.loads(image("base")) | {"annotations": {"name": name}}).encode()


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


def records(whole, places):
    """The record of each tag."""
    names = [TagName(RegistryName("main"), Repository(repository), Tag(tag)) for repository, tag in places]
    standings = Ledger(Operator(whole).store).standings(names)
    return {(name.repository, name.tag): standings[name].record for name in names}


def export(whole, *words):
    """Every line of an export, sorted."""
    return sorted(Operator(whole).run("export", *words, module="worker").splitlines())


def test_fifty_tags_behind_its_back(running):
    """One sweep restores exactly the 50 tags that were changed without an event; the next one finds none."""
    changed = random.Random(50).sample(sorted(originals()), 50)
    with quiet(running) as url:
        overwrite(url, changed[:40])
        for repository, tag in changed[40:]:
            requests.delete(f"{url}/v2/{repository}/manifests/{originals()[repository, tag]}", timeout=10)
    assert wrong(running) == set(changed)
    report = worker(running, "sweep", status=3)
    assert report["drift"] == 50
    assert {drift["name"] for drift in report["drifted"]} == {f"main/{name}:{tag}" for name, tag in changed}
    assert sum(drift["found"] is None for drift in report["drifted"]) == 10
    assert report["unrestored"] == []
    assert wrong(running) == set()
    found = list(Violations(Operator(running).store).newest(limit=1000))
    assert {(violation.name.repository, violation.name.tag) for violation in found} == set(changed)
    assert {violation.state for violation in found} == {State.RESTORED}
    again = worker(running, "sweep")
    assert (again["looked"], again["drift"]) == (100, 0)


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
    Operator(running).wait_until_idle()


def test_burst(running):
    """Without any worker, `run --burst` judges, restores and tells all that waits, and ends."""
    running.workers.stop()
    changed = [(REPOSITORIES[3], f"v{number}") for number in range(10)]
    overwrite(running.registry.url, changed)
    wait_for(lambda: running.pending() == 0 and running.waiting() >= 10, what="the events")
    told = len(running.hook.alerts)
    Operator(running).run("run", "--burst", module="worker")
    assert wrong(running) == set()
    assert len(running.hook.alerts) - told == 10
    assert running.waiting() == 0
    running.start_workers()


def test_baseline_killed_three_times(stopped, monkeypatch):
    """Killed and started again three times, a baseline ends complete and correct, and tells of all."""
    with quiet(stopped) as url:
        push_tags(url, REPOSITORIES, 100)
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "250")
    done = [0]
    for _ in range(3):
        with start(stopped, "baseline") as child:
            wait_for(lambda: count_records(stopped) > done[-1] + 30, what="some records")
            child.kill()
        done.append(count_records(stopped))
    assert done == sorted(set(done))
    assert 0 < done[-1] < 500
    report = worker(stopped, "baseline")
    assert (report["looked"], report["differing"], report["problems"]) == (500, [], [])
    every = originals(count=100)
    assert {place: record.digest for place, record in records(stopped, every).items()} == every
    assert sum(json.loads(line)["kind"] == "manifest" for line in export(stopped)) == 500


def count_records(whole):
    return sum(record is not None for record in records(whole, originals(count=100)).values())


def test_interrupted_by_hand(stopped, monkeypatch):
    """Ctrl-C ends a baseline and a sweep cleanly, with status 1; the baseline goes on where it was."""
    with quiet(stopped) as url:
        push_tags(url, REPOSITORIES, 20)
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "20")
    with start(stopped, "baseline") as child:
        wait_for(lambda: count_records(stopped) > 0, what="the first record")
        os.killpg(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=10)
    assert (child.returncode, said.strip()) == (1, "Aborted!")
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "5000")
    result = run_to_end(stopped, "baseline")
    assert "going on where it was stopped" in result.stderr
    assert "100 tags looked at, 100 recorded" in result.stderr
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "20")
    with start(stopped, "sweep") as child:
        wait_for(lambda: Operator(stopped).store.exists("te:sweeping:main"), what="the sweep")
        time.sleep(0.5)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=10)
    assert (child.returncode, said) == (143, "")
    monkeypatch.setenv("ENFORCER_SWEEP_RATE", "5000")
    assert worker(stopped, "sweep")["looked"] == 100


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


class TestAfterALossOfRedis:
    """The recipe of docs/operations.md, step by step."""

    @pytest.fixture
    def eventful(self, tmp_path):
        """An installation with a past: recorded tags, some of them overwritten, deleted and restored."""
        with installation(tmp_path) as whole:
            push_tags(whole.registry.url, REPOSITORIES[:2], 10)
            Operator(whole).wait_until_idle()
            overwrite(whole.registry.url, [(REPOSITORIES[0], "v1"), (REPOSITORIES[0], "latest")])
            Operator(whole).wait_until_idle()
            yield whole

    def test_export_and_import_are_equal(self, eventful):
        """Export, FLUSHALL, import: what is exported then is equal, byte by byte."""
        self.lose(eventful)
        lines = (eventful.directory / "export.jsonl").read_text().splitlines()
        Operator(eventful).run("import", "export.jsonl", module="worker")
        assert export(eventful) == sorted(lines)

    def test_import(self, eventful):
        """With an export: what was overwritten during the loss is restored in the end."""
        self.lose(eventful)
        changed = self.overwrite_meanwhile(eventful)
        self.follow(eventful, "enforcer-worker import export.jsonl")
        self.check(eventful, changed)

    def test_replay(self, eventful):
        """Without one, from archived events: the records of all protected tags are as they were."""
        protected = originals(REPOSITORIES[:2], 10)
        before = records(eventful, protected)
        self.lose(eventful)
        changed = self.overwrite_meanwhile(eventful)
        self.run(eventful, "enforcer-worker replay events.jsonl")
        assert records(eventful, protected) == before
        state = export(eventful)
        self.run(eventful, "enforcer-worker replay events.jsonl")
        assert export(eventful) == state
        self.follow(eventful)
        self.check(eventful, changed)

    def lose(self, whole):
        """Export everything, stop, and lose all that was in Redis."""
        for name, words in (("export.jsonl", []), ("events.jsonl", ["--events"])):
            (whole.directory / name).write_text(Operator(whole).run("export", *words, module="worker"))
        whole.workers.stop()
        whole.receiver.stop()
        Operator(whole).store.flushall()

    def overwrite_meanwhile(self, whole):
        changed = {(REPOSITORIES[1], "v5"), (REPOSITORIES[1], "v6")}
        with quiet(whole) as url:
            overwrite(url, changed)
        return changed

    def follow(self, whole, *first):
        """The commands of the recipe, which the page has in this order."""
        commands = [*first, "enforcer-worker baseline", "enforcer-worker sweep"]
        page = OPERATIONS.read_text().partition("## After a loss of Redis")[2]
        places = [page.index(command) for command in commands]
        assert places == sorted(places)
        for command in commands:
            self.run(whole, command)

    def run(self, whole, command):
        """Run a command as the page has it; that something was found is no failure."""
        program, *words = command.split()
        assert program == "enforcer-worker"
        result = run_to_end(whole, *words)
        assert result.returncode in (0, 3), result.stderr

    def check(self, whole, changed):
        """Everything is as it must be, and stays so when the installation runs again."""
        protected = originals(REPOSITORIES[:2], 10)
        assert wrong(whole, protected) == set()
        assert {place: record.digest for place, record in records(whole, protected).items()} == protected
        found = Violations(Operator(whole).store).newest()
        assert changed <= {(violation.name.repository, violation.name.tag) for violation in found}
        whole.start()
        Operator(whole).wait_until_idle()
        assert wrong(whole, protected) == set()
        assert worker(whole, "sweep")["drift"] == 0
