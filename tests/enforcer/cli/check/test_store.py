from __future__ import annotations

from pathlib import Path

import pytest
from fakeredis import FakeServer, FakeStrictRedis

from enforcer.cli.check.result import Level
from enforcer.cli.check.store import check_data_dir, check_store, judge_facts

GOOD = {"redis_version": "7.0.15", "aof_enabled": 1, "maxmemory_policy": "noeviction"}


class TalkativeRedis(FakeStrictRedis):
    """The double of the library knows neither INFO nor CONFIG."""

    facts = GOOD
    save = ""

    def info(self):
        return self.facts

    def config_get(self, name):
        return {name: self.save}


def judged(*, snapshots: bool | None = False, **changed):
    return list(judge_facts(GOOD | changed, snapshots=snapshots))


def test_redis_that_keeps_everything():
    """With an append-only file and no eviction there is one line, and it is fine."""
    (finding,) = check_store(TalkativeRedis(server=FakeServer()), "redis://here")
    assert finding.level is Level.OK
    assert finding.text == "Redis 7.0.15 at redis://here answers and takes writes"


def test_the_check_leaves_no_trace():
    """What is written to find out whether it can be vanishes by itself."""
    redis = TalkativeRedis(server=FakeServer())
    list(check_store(redis, "redis://here"))
    assert [0 < redis.ttl(key) <= 10 for key in redis.scan_iter()] == [True]


def test_redis_that_takes_no_writes():
    """A Redis that refuses a write has failed, and nothing more is asked."""
    server = FakeServer()
    redis = TalkativeRedis(server=server)
    server.connected = False
    (finding,) = check_store(redis, "redis://here")
    assert finding.level is Level.FAILED
    assert finding.text.startswith("redis://here takes no writes: ")


def test_redis_that_does_not_tell():
    """Where INFO is refused that is all that can be said."""
    (finding,) = check_store(FakeStrictRedis(server=FakeServer()), "redis://here")
    assert finding.level is Level.WARNING
    assert "does not say how it is configured" in finding.text


def test_snapshots_are_asked_for():
    """Without an append-only file, snapshots as CONFIG tells of them are durable enough."""
    redis = TalkativeRedis(server=FakeServer())
    redis.facts = GOOD | {"aof_enabled": 0}
    assert [finding.level for finding in check_store(redis, "here")] == [Level.OK, Level.WARNING]
    redis.save = "3600 1"
    assert [finding.level for finding in check_store(redis, "here")] == [Level.OK]


@pytest.mark.parametrize("version", ["6.0.16", "5.0.3", "6.1.999"])
def test_old_redis(version):
    """Before 6.2 the commands are missing on which the log rests."""
    (finding,) = judged(redis_version=version)
    assert finding.level is Level.FAILED
    assert "at least 6.2 is needed" in finding.text


@pytest.mark.parametrize("version", ["6.2.0", "7.4.1", "10.0.0"])
def test_new_redis(version):
    """From 6.2 on it will do; versions are numbers, not text."""
    assert judged(redis_version=version) == []


def test_valkey_is_called_by_its_name():
    """Valkey says that it is compatible with a Redis; people know it by its own version."""
    redis = TalkativeRedis(server=FakeServer())
    redis.facts = GOOD | {"valkey_version": "9.1.2"}
    (finding,) = check_store(redis, "here")
    assert finding.text.startswith("Valkey 9.1.2 at here")


@pytest.mark.parametrize(
    ("snapshots", "text"), [(False, "takes no snapshots"), (None, "does not tell whether it takes snapshots")]
)
def test_redis_that_forgets(snapshots, text):
    """Neither append-only file nor snapshots: what was accepted is gone with the process."""
    (finding,) = judged(aof_enabled=0, snapshots=snapshots)
    assert finding.level is Level.WARNING
    assert f"no append-only file and {text}" in finding.text


def test_redis_that_evicts():
    """A full memory must refuse events, not drop records."""
    (finding,) = judged(maxmemory_policy="allkeys-lru")
    assert finding.level is Level.WARNING
    assert "maxmemory-policy is allkeys-lru" in finding.text


def test_data_dir_that_will_do(tmp_path):
    """It need not exist, as long as it can be made."""
    assert check_data_dir(tmp_path) is None
    assert check_data_dir(tmp_path / "a" / "b") is None


def test_data_dir_below_a_file(tmp_path):
    """What is below a file cannot be made."""
    (tmp_path / "file").touch()
    finding = check_data_dir(tmp_path / "file" / "data")
    assert finding is not None
    assert finding.level is Level.FAILED
    assert f"{tmp_path / 'file'} is no directory" in finding.text


def test_data_dir_of_somebody_else(tmp_path, monkeypatch):
    """Who may not write there is told so, and where."""
    asked: list[Path] = []
    monkeypatch.setattr("os.access", lambda path, _: asked.append(path))  # root may write everywhere
    finding = check_data_dir(tmp_path / "data")
    assert finding is not None
    assert finding.level is Level.FAILED
    assert f"may not write to {tmp_path}" in finding.text
    assert asked == [tmp_path]
