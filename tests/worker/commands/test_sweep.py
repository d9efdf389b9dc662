from __future__ import annotations

import pytest

from enforcer.judgement.violation import State
from enforcer.names import Digest
from tests.fakes.events import MAIN
from tests.fakes.images import blob, blobs_of, image
from tests.fakes.interruptions import Interruptions
from tests.fakes.registry import errors
from tests.fakes.scans import announce, push_tags
from worker.commands import burst
from worker.enforcement import restore as restore_module
from worker.scanning.report import SWEEPS
from worker.scanning.sweep_lock import SweepRunning, sweep_lock

A, B = image("a"), image("b")


@pytest.fixture
def recorded(worker, registry):
    """Three protected tags that are recorded."""
    push_tags(registry, "team/app", 3, A)
    assert worker("baseline").exit_code == 0


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Restores look again after hardly any time."""
    monkeypatch.setattr(restore_module, "LOOKS", (0.01, 0.02, 0.03))
    monkeypatch.setattr(burst, "POLL", 0.005)


def test_nothing_to_find(worker, recorded):
    """All is well: status 0."""
    result = worker("sweep")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "3 tags looked at, 0 recorded, 0 followed, 0 drifted, 0 problems\n"


def test_restores_what_drifted(worker, registry, recorded):
    """Drift is told and restored, without any worker; status 3, and the next sweep finds nothing."""
    registry.put_manifest("team/app", "v001", B)
    registry.delete_manifest("team/app", "v002")
    result = worker("sweep")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        f"main/team/app:v001 should be {Digest.of(A)} and was {Digest.of(B)}",
        f"main/team/app:v002 should be {Digest.of(A)} and was gone",
    ]
    assert set(registry.tags["team/app"].values()) == {Digest.of(A)}
    assert {violation.state for violation in worker.context.violations.newest()} == {State.RESTORED}
    assert worker("sweep").exit_code == 0
    assert b'"drift": 0' in worker.context.redis.hget(SWEEPS, "main")


def test_what_cannot_be_restored_is_told(worker, registry, recorded, monkeypatch):
    """What the registry does not take is named; the workers go on with it."""
    registry.read_only = True
    registry.put_manifest("team/app", "v001", B)
    monkeypatch.setattr(burst, "SOON", 0.1)
    result = worker("sweep")
    assert result.exit_code == 3
    assert "main/team/app:v001 is not restored yet; see enforcer violations" in result.stderr
    report = worker.json("sweep", status=3)
    assert report["unrestored"] == ["main/team/app:v001"]


def test_report_only(worker, registry, recorded):
    """With --report-only nothing is changed, neither in the registry nor in Redis."""
    registry.put_manifest("team/app", "v001", B)
    before = {key: worker.context.redis.dump(key) for key in worker.context.redis.scan_iter()}
    report = worker.json("sweep", "--report-only", status=3)
    assert report["drift"] == 1
    assert registry.tag_digest("team/app", "v001") == Digest.of(B)
    assert {key: worker.context.redis.dump(key) for key in worker.context.redis.scan_iter()} == before


def test_deep(worker, registry, recorded):
    """With --deep a tag whose layers are gone is told: status 3, though it is what it must be."""
    registry.blobs = {Digest.of(each) for each in blobs_of("a")}
    assert worker("sweep", "--deep").exit_code == 0
    registry.blobs.remove(Digest.of(blob("a", "layer-0")))
    result = worker("sweep", "--deep")
    assert result.exit_code == 3
    assert result.stdout.count("cannot be pulled") == 3
    assert worker("sweep").exit_code == 0


def test_one_namespace_and_since(worker, registry, recorded):
    """Only what is asked for is looked at."""
    assert worker.json("sweep", "--namespace", "other")["looked"] == 0
    assert worker.json("sweep", "--namespace", "team")["looked"] == 3
    assert worker.json("sweep", "--since", "2100-01-01T00:00:00Z")["looked"] == 0


def test_catalog_denied(worker, registry, recorded):
    """What the ledger knows is swept, and it is a problem that this may not be all: status 1, told once."""
    listed = registry._page
    registry._page = lambda path, *rest: errors(401, "DENIED") if "_catalog" in path else listed(path, *rest)
    result = worker("sweep")
    assert result.exit_code == 1
    assert result.stderr.count("only repositories that were pushed to before") == 1
    assert "3 tags looked at" in result.stderr
    (problem,) = worker.json("sweep", status=1)["problems"]
    assert "only repositories that were pushed to before" in problem
    registry.put_manifest("team/app", "v001", B)
    assert worker("sweep").exit_code == 3


def test_problems(worker, registry, recorded):
    """What cannot be looked at makes the status 1."""
    whole = registry._served
    registry._served = lambda repository, reference, headers: (
        errors(403, "DENIED") if reference == "v001" else whole(repository, reference, headers)
    )
    result = worker("sweep")
    assert result.exit_code == 1
    assert "v001" in result.stderr


def test_while_another_one_is_running(worker, recorded):
    """It waits for its turn, and says so if that does not come."""
    with sweep_lock(worker.context.redis, MAIN):
        result = worker("sweep")
    assert isinstance(result.exception, SweepRunning)
    assert worker("sweep").exit_code == 0


def test_interrupted(worker, redis, recorded):
    """Ctrl-C leaves nothing that keeps others from sweeping."""
    was_locked = []

    def interrupt():
        was_locked.append(redis.exists("te:sweeping:main"))
        raise KeyboardInterrupt

    Interruptions(redis).after(10, interrupt)
    result = worker("sweep")
    assert was_locked == [1]
    assert result.exit_code == 1
    assert "Aborted!" in result.stderr
    assert worker("sweep").exit_code == 0


def test_a_tag_without_kept_manifest(worker, registry):
    """A tag whose manifest was never kept and is gone from the registry cannot be restored, and that is told."""
    assert worker("sweep").exit_code == 0  # the policy is in force from here on
    announce(worker.context, "team/app:1.0", Digest.of(A))
    result = worker("sweep")
    assert result.exit_code == 3
    assert "main/team/app:1.0 is not restored yet" in result.stderr
    assert [violation.state for violation in worker.context.violations.newest()] == [State.NOT_RESTORABLE]
