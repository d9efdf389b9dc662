from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from enforcer.cli.session import login
from enforcer.errors import RegistryUnavailable
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.store.audit import Audit
from tests.fakes.events import APP, MAIN, digest
from tests.fakes.images import image, index
from tests.fakes.registry import errors
from tests.fakes.scans import announce, push_tags, record_of

A, B = image("a"), image("b")


def test_records_and_keeps_everything(worker, registry):
    """Every tag is recorded, and the manifests of protected ones are kept, those of an index too."""
    push_tags(registry, "team/app", 3, A)
    registry.put_manifest("team/app", "all", index(A, B), OCI_INDEX)
    registry.put_manifest("team/app", None, B)
    registry.put_manifest("elsewhere/app", "1", A)
    result = worker("baseline")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "5 tags looked at, 5 recorded, 0 replaced, 0 differ, 0 problems\n"
    assert record_of(worker.context, "team/app:v002").digest == Digest.of(A)
    assert worker.context.ledger.keeps(MAIN, APP, Digest.of(B))
    assert worker("baseline").stderr.startswith("5 tags looked at, 0 recorded")


def test_only_what_is_asked_for(worker, registry):
    """A namespace or a repository; `_` is the namespace of repositories without a slash."""
    for repository in ("team/app", "team/b", "team", "other/app"):
        registry.put_manifest(repository, "1", A)
    assert worker.json("baseline", "--repository", "team/b")["recorded"] == 1
    assert not [target for _, target in registry.requests if "_catalog" in target]
    assert record_of(worker.context, "team/app:1") is None
    assert worker.json("baseline", "--namespace", "team")["looked"] == 2
    assert record_of(worker.context, "other/app:1") is None
    assert worker.json("baseline", "--namespace", "_")["recorded"] == 1
    assert record_of(worker.context, "team:1") is not None


def test_differences_are_reported(worker, registry):
    """Records that differ stay, are listed, and make the exit status 3."""
    announce(worker.context, "team/app:1", digest(1))
    announce(worker.context, "team/app:2", digest(2))
    registry.put_manifest("team/app", "1", A)
    result = worker("baseline")
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        f"main/team/app:1 is recorded as {digest(1)} and is {Digest.of(A)}",
        f"main/team/app:2 is recorded as {digest(2)} and is gone",
    ]
    report = worker.json("baseline", status=3)
    assert report["differing"][1] == {"name": "main/team/app:2", "recorded": digest(2), "found": None}


def test_force(worker, registry):
    """With --force the record becomes what is there, and that is listed; the audit says by whom."""
    announce(worker.context, "team/app:1", digest(1))
    registry.put_manifest("team/app", "1", A)
    result = worker("baseline", "--force")
    assert result.exit_code == 0
    assert result.stdout == f"main/team/app:1 was recorded as {digest(1)} and is now {Digest.of(A)}\n"
    assert record_of(worker.context, "team/app:1").digest == Digest.of(A)
    (entry,) = Audit(worker.context.redis).newest(1)
    assert (entry.what, entry.by, entry.reason) == ("approved", login(), "baseline --force")


def test_each_scope_goes_on_by_itself(worker, redis, registry):
    """A baseline that was stopped is gone on with by the same command, and not by one of something else."""
    push_tags(registry, "team", 100, A)
    push_tags(registry, "team/app", 100, A)
    with interrupted(redis):
        worker("baseline", "--namespace", "team")
    for words in (["--repository", "team"], ["--namespace", "_"], ["--namespace", "team", "--force"], []):
        assert "going on" not in worker("baseline", *words).stderr
    assert "going on" in worker("baseline", "--namespace", "team").stderr


def test_catalog_denied(worker, registry):
    """Where the account may not list repositories not every tag can be recorded: status 1, and why."""
    registry.put_manifest("team/app", "1", A)
    listed = registry._page
    registry._page = lambda path, *rest: errors(401, "DENIED") if "_catalog" in path else listed(path, *rest)
    result = worker("baseline")
    assert result.exit_code == 1
    assert "only repositories that were pushed to before are looked at" in result.stderr
    assert worker("baseline", "--repository", "team/app").exit_code == 0
    assert worker.json("baseline", status=1)["looked"] == 1


def test_a_registry_that_is_away(worker, registry):
    """It ends with our own error, which the command line prints as one line."""
    registry.stop()
    result = worker("baseline")
    assert isinstance(result.exception, RegistryUnavailable)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--registry", "mian"], "did you mean main?"),
        (["--repository", "Team/App"], "is no repository"),
        (["--namespace", "a/b"], "is no namespace"),
        (["--namespace", "other", "--repository", "team/app"], "team/app is not in the namespace other"),
    ],
)
def test_wrong_usage(worker, words, said):
    """What cannot be meant is wrong usage, status 2."""
    result = worker("baseline", *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_interrupted(worker, redis, registry):
    """Ctrl-C ends it with status 1 and no trace of the code; the next one goes on and says so."""
    push_tags(registry, "team/app", 200, A)
    with interrupted(redis):
        result = worker("baseline")
    assert result.exit_code == 1
    assert "Aborted!" in result.stderr
    assert "Traceback" not in result.output
    again = worker("baseline")
    assert "going on where it was stopped: repository 1 of 1" in again.stderr
    assert "200 tags looked at, 200 recorded" in again.stderr


def test_what_an_older_version_left(worker, redis, registry):
    """The progress of a baseline that an older version kept is none: the baseline begins anew, and ends as always."""
    registry.put_manifest("team/app", "1", A)
    place = {"report": {"looked": 1}, "tag": "1", "is_whole": True}
    redis.hset("te:baseline:command:main  ", "team/app", json.dumps(place))
    result = worker("baseline")
    assert result.stderr == "1 tags looked at, 1 recorded, 0 replaced, 0 differ, 0 problems\n"
    assert not redis.keys("te:baseline:*")


@contextmanager
def interrupted(redis):
    """Ctrl-C as soon as a baseline has kept its place."""
    keep = redis.set

    def keep_and_interrupt(key, *values, **options):
        kept = keep(key, *values, **options)
        if str(key).startswith("te:baseline:"):
            raise KeyboardInterrupt
        return kept

    redis.set = keep_and_interrupt
    yield
    redis.set = keep
