from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from enforcer.errors import ServerFailed
from enforcer.store import embedded
from enforcer.store.embedded import EmbeddedServer, running, socket_path

pytestmark = pytest.mark.integration

USER = """
import signal, sys
from pathlib import Path
import redis
from enforcer.store.embedded import running

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
with running(Path(sys.argv[1])) as path:
    client = redis.Redis(unix_socket_path=str(path))
    try:
        print(client.info("server")["process_id"], flush=True)
        sys.stdin.readline()
    except KeyboardInterrupt:
        client.set("interrupted", 1)
    client.close()
"""

FORKING_USER = """
import os, sys
from pathlib import Path
from enforcer.store.embedded import running

with running(Path(sys.argv[1])):
    child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    print("forked", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def data_dir(tmp_path):
    """A directory whose name needs quoting; a server that a failed test left there is killed."""
    directory = tmp_path / "data \"of\" 'x'"
    yield directory
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(pid_of(directory), signal.SIGKILL)


@contextmanager
def connected(directory):
    path = str(socket_path(directory))
    with redis.Redis(unix_socket_path=path, retry=Retry(NoBackoff(), 0)) as client:
        yield client


@contextmanager
def user(script, directory):
    """A process that uses the server until its standard input ends."""
    command = [sys.executable, "-c", script, str(directory)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.kill()


def pid_of(directory):
    return int((directory / "valkey.pid").read_text())


def answers(directory):
    try:
        with connected(directory) as client:
            return client.ping()
    except redis.ConnectionError:
        return False


def kill_server(directory):
    os.kill(pid_of(directory), signal.SIGKILL)
    wait_until(lambda: not answers(directory))


def wait_until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "waited 5 seconds in vain"
        time.sleep(0.01)


def is_lockable(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def starts(directory):
    return (directory / "valkey.log").read_text().count("Ready to accept connections")


def test_server_keeps_data_from_context_to_context(data_dir):
    """What was written is there after an orderly stop, and in between nothing runs."""
    with running(data_dir), connected(data_dir) as client:
        client.set("tag", "digest")
    assert not answers(data_dir)
    assert not (data_dir / "valkey.pid").exists()
    with running(data_dir), connected(data_dir) as client:
        assert client.get("tag") == b"digest"


def flood(client):
    for number in range(32):
        client.set(f"flood-{number}", b"x" * (1 << 20))


def test_server_takes_no_more_than_its_memory(data_dir):
    """Beyond it, it refuses what is new, and keeps what it has."""
    with running(data_dir, 16 << 20), connected(data_dir) as client:
        client.set("tag", "digest")
        with pytest.raises(redis.OutOfMemoryError):
            flood(client)
        assert client.get("tag") == b"digest"


def test_server_is_private_and_durable(data_dir):
    """It has no port, refuses writes rather than forget, logs every write, and only its user can read its files."""
    with running(data_dir) as path, connected(data_dir) as client:
        settings = client.config_get("port", "maxmemory", "maxmemory-policy", "appendonly", "appendfsync", "save")
        assert path.stat().st_mode & 0o777 == 0o700
    assert settings == {
        "port": "0",
        "maxmemory": str(1 << 30),
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
    }
    assert data_dir.stat().st_mode & 0o777 == 0o700
    assert (data_dir / "valkey.log").stat().st_mode & 0o077 == 0


def test_killed_server_loses_nothing_and_is_revived(data_dir):
    """After SIGKILL of the server its user starts it again over the stale socket, with all that was acknowledged."""
    server = EmbeddedServer(data_dir)
    server.ensure()
    with connected(data_dir) as client:
        for number in range(100):
            client.rpush("events", number)
    kill_server(data_dir)
    assert socket_path(data_dir).exists()
    server.ensure()
    with connected(data_dir) as client:
        assert client.llen("events") == 100
    server.stop()


def test_live_server_is_adopted_and_left_to_its_other_user(data_dir):
    """The second user finds the server of the first, and leaves it running."""
    with running(data_dir):
        first = pid_of(data_dir)
        with running(data_dir):
            assert pid_of(data_dir) == first
        assert answers(data_dir)
    assert not answers(data_dir)


def test_server_outlives_the_user_that_started_it(data_dir):
    """A short command that started the server does not take it away from a long one that found it."""
    short, long = EmbeddedServer(data_dir), EmbeddedServer(data_dir)
    short.ensure()
    long.ensure()
    short.stop()
    assert answers(data_dir)
    long.stop()
    assert not answers(data_dir)


def test_orphan_is_adopted_and_stopped_by_its_last_user(data_dir):
    """A server whose starter was killed runs on, is found by the next user, and ends with that one."""
    with user(USER, data_dir) as process:
        orphan = int(process.stdout.readline())
        process.kill()
        process.wait()
    assert answers(data_dir)
    with running(data_dir), connected(data_dir) as client:
        assert client.info("server")["process_id"] == orphan
    assert not answers(data_dir)


def test_no_second_server_beside_an_unreachable_one(data_dir, monkeypatch):
    """Where the socket was removed, the start fails and names the process; when that is gone, it succeeds."""
    monkeypatch.setattr(embedded, "_PATIENCE_SECONDS", 0.2)
    with user(USER, data_dir) as process:
        orphan = int(process.stdout.readline())
        process.kill()
    socket_path(data_dir).unlink()
    server = EmbeddedServer(data_dir)
    with pytest.raises(ServerFailed, match=f"process {orphan} holds .*valkey.lock"):
        server.ensure()
    assert starts(data_dir) == 1
    os.kill(orphan, signal.SIGKILL)
    monkeypatch.undo()
    server.ensure()
    assert starts(data_dir) == 2
    server.stop()


def test_processes_that_start_together_share_one_server(data_dir):
    """Of four simultaneous starts one wins; the server ends when the last of the four has left."""
    with user(USER, data_dir) as a, user(USER, data_dir) as b, user(USER, data_dir) as c, user(USER, data_dir) as d:
        processes = [a, b, c, d]
        assert len({process.stdout.readline() for process in processes}) == 1
        assert starts(data_dir) == 1
        for process in processes:
            process.stdin.close()
        assert [process.wait(timeout=10) for process in processes] == [0, 0, 0, 0]
    assert not answers(data_dir)


def test_interrupt_of_the_terminal_does_not_reach_the_server(data_dir):
    """Ctrl-C goes to the whole process group, and the server still takes what its user writes while it cleans up."""
    with user(USER, data_dir) as process:
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert not answers(data_dir)
    with running(data_dir), connected(data_dir) as client:
        assert client.get("interrupted") == b"1"


def test_user_that_leaves_on_sigterm_stops_the_server(data_dir):
    """A process that turns SIGTERM into an exit leaves nothing behind."""
    with user(USER, data_dir) as process:
        process.stdout.readline()
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert not answers(data_dir)


def test_forked_child_that_ends_leaves_the_server_alone(data_dir):
    """A worker process forked inside the context unwinds it too, but the server belongs to its parent."""
    with user(FORKING_USER, data_dir) as process:
        assert process.stdout.readline() == "forked\n"
        assert answers(data_dir)
        process.stdin.close()
        assert process.wait(timeout=10) == 0
    assert not answers(data_dir)


def test_failed_start_shows_the_log(data_dir):
    """When the server cannot read its files, the error holds what it said about them."""
    with running(data_dir), connected(data_dir) as client:
        client.set("tag", "digest")
    (data_dir / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    server = EmbeddedServer(data_dir)
    with pytest.raises(ServerFailed, match=r"(?s)valkey.log ends with.*manifest"):
        server.ensure()
    server.stop()


def test_loading_server_is_waited_for(data_dir, monkeypatch):
    """A server that reads its data for longer than the patience with a silent one is not given up."""
    with running(data_dir), connected(data_dir) as client:
        client.mset({f"key {number}": number for number in range(1000)})
        client.bgrewriteaof()
        wait_until(lambda: client.info("persistence")["aof_rewrite_in_progress"] == 0)
    monkeypatch.setitem(embedded._OPTIONS, "key-load-delay", "1000")  # microseconds
    monkeypatch.setitem(embedded._OPTIONS, "loading-process-events-interval-bytes", "1024")
    monkeypatch.setattr(embedded, "_PATIENCE_SECONDS", 0.4)
    began = time.monotonic()
    with running(data_dir), connected(data_dir) as client:
        assert time.monotonic() - began > 0.8
        assert client.dbsize() == 1000


def test_long_directory_is_served(tmp_path):
    """A data_dir that is too long for a socket works like any other."""
    directory = tmp_path / ("x" * 100)
    with running(directory) as path:
        assert not path.is_relative_to(directory)
        assert answers(directory)
    assert not path.exists()


def test_lock_is_held_by_the_server_alone(data_dir):
    """When the server is gone the lock is free, though the process that started it lives on."""
    with running(data_dir):
        kill_server(data_dir)
        with (data_dir / "valkey.lock").open("ab") as lock:
            wait_until(lambda: is_lockable(lock))
