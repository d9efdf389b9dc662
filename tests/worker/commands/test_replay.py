from __future__ import annotations

import gzip
import json

import pytest

from enforcer.names import Digest
from enforcer.times import Time
from tests.fakes.events import APP, digest, push
from tests.fakes.images import image
from tests.fakes.scans import record_of
from worker.commands import burst
from worker.enforcement import restore as restore_module

A, B = image("a"), image("b")
START = Time("2026-01-01T00:00:00Z")


def lines(*events) -> bytes:
    return b"".join(event.to_json().encode() + b"\n" for event in events)


EVENTS = (
    push("1", Digest.of(A), START, media_type="x/y"),
    push("2", Digest.of(B), START.plus(600), media_type="x/y", actor="mallory"),
    push("3", Digest.of(B), START.plus(700), media_type="x/y", tag="latest"),
)


@pytest.fixture
def archive(tmp_path):
    """An archive of two pushes to a protected tag and one to another."""
    file = tmp_path / "events.jsonl"
    file.write_bytes(lines(*EVENTS))
    return file


def test_replays_and_reports(worker, archive):
    """Everything is judged, violations are told, and that there were some by status 3."""
    result = worker("replay", archive)
    assert result.exit_code == 3
    assert result.stdout == (
        f"main/team/app:1.0 was overwritten with {Digest.of(B)} by a client that claims to be mallory "
        f"at 2026-01-01T00:10:00Z; "
        f"it should be {Digest.of(A)}\n"
    )
    assert result.stderr == "3 events: 1 moved, 1 overwritten, 1 recorded; 0 not understood\n"
    assert record_of(worker.context, "team/app:1.0").digest == Digest.of(A)
    assert len(worker.context.restores) == 0
    assert worker.context.violations.count_open() == 0


def test_from_standard_input_and_several_files(worker, tmp_path):
    """Files in any form and order, and `-` for standard input."""
    first, second = tmp_path / "a.json", tmp_path / "b.gz"
    first.write_text(json.dumps([EVENTS[2].as_dict()]))
    second.write_bytes(gzip.compress(lines(EVENTS[1])))
    result = worker("replay", second, "-", first, stdin=lines(EVENTS[0]))
    assert result.exit_code == 3
    assert record_of(worker.context, "team/app:1.0").digest == Digest.of(A)


def test_json(worker, archive):
    """One object, with the violations as `enforcer violations --json` has them."""
    report = worker.json("replay", archive, status=3)
    assert report["events"] == 3
    assert report["decisions"] == {"recorded": 1, "overwritten": 1, "moved": 1}
    assert (report["rejected"], report["records"]) == (0, [])
    assert [violation["pushed"] for violation in report["violations"]] == [Digest.of(B)]


def test_dry_run(worker, archive, redis):
    """It tells what would be recorded and undone, and changes nothing."""
    worker("sweep")  # so that the policies are in force
    before = {key: redis.dump(key) for key in redis.scan_iter()}
    result = worker("replay", "--dry-run", archive)
    assert result.exit_code == 3
    assert f"main/team/app:1.0 would be recorded as {Digest.of(A)} instead of nothing" in result.stdout
    assert "it should be" in result.stdout
    report = worker.json("replay", "--dry-run", archive, status=3)
    assert {"name": "main/team/app:latest", "before": None, "after": Digest.of(B)} in report["records"]
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before


def test_dry_run_on_an_empty_store(worker, archive, redis):
    """Not even the policies of the configuration file come into force; that nothing is protected is said."""
    result = worker("replay", "--dry-run", archive)
    assert result.exit_code == 0
    assert "no policy is in force" in result.stderr
    assert not redis.keys()


def test_times_and_policies(worker, archive):
    """Only events of the time that is asked for count; with --honour-times policies only from when they were there."""
    assert worker.json("replay", "--until", START.plus(600), archive)["events"] == 1
    report = worker.json("replay", "--honour-times", "--since", START.plus(600), archive)
    assert report["decisions"] == {"moved": 2}


def test_restore(worker, archive, registry, monkeypatch):
    """With --restore what is found is put back and told."""
    monkeypatch.setattr(restore_module, "LOOKS", (0.01, 0.02, 0.03))
    monkeypatch.setattr(burst, "POLL", 0.005)
    registry.put_manifest(APP, None, A)
    registry.put_manifest(APP, "1.0", B)
    result = worker("replay", "--restore", archive)
    assert result.exit_code == 3
    assert registry.tag_digest(APP, "1.0") == Digest.of(A)
    assert [violation.actor for violation in worker.context.violations.newest()] == ["mallory"]


def test_rejects(worker, tmp_path):
    """What is not understood is told, counted and written to a file, which can be replayed once it is mended."""
    bad = [b"{", b"[1]", b'{"events": [{"action": "push", "target": {"repository": "team/app", "tag": "x"}}]}']
    file, rejects = tmp_path / "in", tmp_path / "out"
    file.write_bytes(b"\n".join([*bad, lines(EVENTS[0])]))
    result = worker("replay", file, "--rejects", rejects)
    assert result.exit_code == 0
    assert "1 events: 1 recorded; 3 not understood" in result.stderr
    assert f"not understood: {file}:1: no JSON" in result.stderr
    *rest, event = rejects.read_bytes().splitlines()
    assert rest == bad[:2]
    fields = json.loads(event)
    fields["target"]["digest"] = digest(1)
    fields |= {"timestamp": START, "id": "mended"}
    rejects.write_text(json.dumps(fields))
    assert worker.json("replay", rejects)["decisions"] == {"recorded": 1}


@pytest.mark.parametrize("name", ["events.jsonl", "link"])
def test_rejects_of_a_file_that_is_read(worker, archive, tmp_path, name):
    """A file that is read is not emptied for what is not understood: wrong usage, whatever it is called."""
    (tmp_path / "link").symlink_to(archive)
    before = archive.read_bytes()
    result = worker("replay", "-", archive, "--rejects", tmp_path / name)
    assert result.exit_code == 2
    assert "which is read" in result.stderr
    assert archive.read_bytes() == before


def test_nothing_that_is_understood(worker, tmp_path):
    """A file of which nothing is understood is no success: status 1."""
    assert worker("replay", "-", stdin=b"x\n").exit_code == 1
    assert worker("replay", "-", stdin=b"").exit_code == 0


def test_how_long_ago(worker, tmp_path):
    """--since and --until take a duration, too."""
    file = tmp_path / "in"
    recent = push("1", Digest.of(A), Time.now().plus(-7200), media_type="x/y")
    file.write_bytes(lines(recent))
    counts = [worker.json("replay", file, *words)["events"] for words in (["--since", "1h"], ["--since", "1d"])]
    assert counts == [0, 1]
    assert worker.json("replay", file, "--until", "3h")["events"] == 0


def test_many_bad_lines_are_not_all_shown(worker, tmp_path):
    """A file of something else does not fill the terminal."""
    file = tmp_path / "in"
    file.write_bytes(b"x\n" * 1000)
    result = worker("replay", file)
    assert result.stderr.count("not understood: ") == 20
    assert "1000 not understood" in result.stderr


@pytest.mark.parametrize(
    "words",
    [["nowhere.jsonl"], [], ["--dry-run", "--restore", "-"], ["--since", "yesterday", "-"], ["--registry", "x", "-"]],
)
def test_wrong_usage(worker, words):
    """What cannot be meant is wrong usage: status 2, and nothing done."""
    assert worker("replay", *words).exit_code == 2
