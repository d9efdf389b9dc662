from __future__ import annotations

import json

from enforcer.names import Digest
from tests.fakes.events import digest
from tests.fakes.images import image
from tests.fakes.scans import announce, push_tags, record_of

A = image("a")


def test_export_and_import(worker, registry, redis, tmp_path):
    """What was exported comes back after everything was lost, in the same words."""
    push_tags(registry, "team/app", 3, A)
    worker("baseline")
    exported = worker("export")
    assert exported.exit_code == 0
    assert exported.stderr == ""
    redis.flushall()
    file = tmp_path / "export"
    file.write_text(exported.stdout)
    result = worker("import", file)
    assert result.exit_code == 0
    assert result.stderr == "lines taken: manifest 1, policy 1, tag 3; there already: 0\n"
    assert sorted(worker("export").stdout.splitlines()) == sorted(exported.stdout.splitlines())
    assert record_of(worker.context, "team/app:v001").digest == Digest.of(A)


def test_import_from_standard_input_as_json(worker, registry):
    """`-` is standard input; what is there already is counted."""
    push_tags(registry, "team/app", 1, A)
    worker("baseline")
    exported = worker("export", "--json").stdout.encode()
    result = worker("import", "-", "--json", stdin=exported)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"taken": {}, "left": {"tag": 1, "manifest": 1, "policy": 1}, "problems": []}


def test_import_of_something_else(worker):
    """Lines that cannot be taken are told: status 1."""
    result = worker("import", "-", stdin=b'{"kind": "cat"}\n{"events": []}\n')
    assert result.exit_code == 1
    assert "standard input:1: unknown kind 'cat'" in result.stderr
    assert "standard input:2: 'kind' is missing" in result.stderr
    assert "archived events are for enforcer-worker replay" in result.stderr


def test_import_of_a_whole_file_of_something_else(worker):
    """A long file of something else does not fill the terminal; with --json every line is told."""
    given = b'{"kind": "cat"}\n' * 100
    result = worker("import", "-", stdin=given)
    assert result.stderr.count("unknown kind") == 20
    assert "… and 80 more, which --json has\n" in result.stderr
    assert len(json.loads(worker("import", "-", "--json", stdin=given).stdout)["problems"]) == 100


def test_no_such_file(worker):
    """A file that is not there is wrong usage."""
    assert worker("import", "nowhere").exit_code == 2


def test_export_of_events_is_what_replay_takes(worker, redis, tmp_path):
    """The archive of accepted events goes into replay as it is."""
    worker("sweep")  # so that the policies are in force
    announce(worker.context, "team/app:1", digest(1), media_type="x/y")
    announce(worker.context, "team/app:1", digest(2), media_type="x/y")
    record = record_of(worker.context, "team/app:1")
    file = tmp_path / "events"
    file.write_text(worker("export", "--events").stdout)
    redis.flushall()
    assert worker("replay", file).exit_code == 3
    assert record_of(worker.context, "team/app:1") == record
