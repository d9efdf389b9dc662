from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from enforcer.names import Repository
from enforcer.times import Time
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.observation import Difference
from worker.scanning.report import MOST_NAMED, Report

THEN, NOW = Time("2026-11-22T04:00:00Z"), Time("2026-11-23T04:00:00Z")
A, B, C = (Repository(f"team/{name}") for name in "abc")


def some() -> Checkpoint:
    """A checkpoint in the middle of the second repository."""
    report = Report(looked=7, recorded=2, followed=1, problems=["team/a cannot be read"])
    report.note_drift(Difference("main/team/a:1", "sha256:a", None))
    report.note_replaced(Difference("main/team/a:2", "sha256:a", "sha256:b"))
    return Checkpoint(THEN, report, repository=B, tag="v1", problems=1, begun=2)


def test_comes_back_as_it_was_written():
    """Reading gives what was written, with every part of the report."""
    assert Checkpoint.read(some().to_json(), NOW) == some()


def test_unknown_keys_are_ignored():
    """A newer version may have written more, also of a report and of a difference."""
    fields = asdict(some())
    for part in (fields, fields["report"], fields["report"]["drifted"][0]):
        part["new"] = 1
    assert Checkpoint.read(json.dumps(fields), NOW) == some()


def test_a_sweep_of_an_older_version():
    """The notes of a sweep without the keys that came later are read."""
    report = {"looked": 3, "recorded": 1, "followed": 0, "drift": 0, "drifted": [], "broken": [], "problems": []}
    notes = {"report": report, "repository": A, "tag": "v1", "is_whole": False, "problems": 0, "began": THEN}
    assert Checkpoint.read(json.dumps(notes), NOW) == Checkpoint(THEN, Report(looked=3, recorded=1), A, "v1")


def test_a_baseline_of_an_older_version():
    """Of the notes of a baseline, which were only a time, it keeps when the baseline began."""
    assert Checkpoint.read(THEN, NOW) == Checkpoint(THEN)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '{"report": 1}', '{"began": "soon"}'])
def test_unreadable_ones_are_none(text):
    """What cannot be read is the checkpoint of a walk that begins now."""
    assert Checkpoint.read(text, NOW) == Checkpoint(NOW)


def test_repositories_ahead():
    """The repository of the place is ahead until all of it is walked; those before it are not."""
    checkpoint = some()
    assert [checkpoint.is_ahead(each) for each in (A, B, C)] == [False, True, True]
    checkpoint.is_whole = True
    assert [checkpoint.is_ahead(each) for each in (A, B, C)] == [False, False, True]


def test_entering_a_repository():
    """A repository that was begun goes on behind its tag; another one begins, with no problem of its own."""
    checkpoint = some()
    checkpoint.enter(B)
    assert (checkpoint.tag, checkpoint.begun) == ("v1", 2)
    checkpoint.report.note_problem("team/b:v2 cannot be looked at")
    assert not checkpoint.has_no_problem_here
    checkpoint.enter(C)
    assert (checkpoint.tag, checkpoint.begun) == ("", 3)
    assert checkpoint.has_no_problem_here


def test_a_report_names_no_more_than_it_may():
    """Beyond that tags are counted and not named."""
    report = Report(drifted=[Difference("main/team/a:1", "sha256:a", None)] * MOST_NAMED, drift=MOST_NAMED)
    report.note_drift(Difference("main/team/a:2", "sha256:a", None))
    assert (report.drift, len(report.drifted)) == (MOST_NAMED + 1, MOST_NAMED)
