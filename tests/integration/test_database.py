from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress

import pytest
import redis
from rq import SimpleWorker

from enforcer.errors import StoreUnavailable
from enforcer.store.connection import connect, running_database

pytestmark = pytest.mark.integration


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


@contextmanager
def server(directory, port, *arguments):
    """A redis-server of our own that answers."""
    program = shutil.which("redis-server")
    assert program, "the integration tests need redis-server"
    command = [program, *arguments, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for_answer(port)
            yield process
        finally:
            process.kill()


def wait_for_answer(port):
    deadline = time.monotonic() + 5
    while True:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(1):  # an error is an answer too
                return
        assert time.monotonic() < deadline, "redis-server did not start"
        time.sleep(0.01)


@pytest.fixture
def port():
    return free_port()


@pytest.fixture
def guarded(tmp_path, port):
    """A Redis with the password `hush`."""
    with server(tmp_path, port, "--save", "", "--requirepass", "hush") as process:
        yield process


def test_right_password_connects(guarded, port, tmp_path):
    """The client of a context reads and writes bytes."""
    with running_database(f"redis://:hush@127.0.0.1:{port}/1", tmp_path) as client:
        client.set("tag", "digest")
        assert client.get("tag") == b"digest"


@pytest.mark.parametrize("login", ["", ":wrong@"])
def test_wrong_password_is_told_apart(guarded, port, tmp_path, login):
    """A Redis that refuses the login is not reported as one that is away."""
    with (
        pytest.raises(StoreUnavailable, match=r"refuses the login .* in redis_url"),
        running_database(f"redis://{login}127.0.0.1:{port}", tmp_path),
    ):
        pass


def test_embedded_server_runs_for_the_context(tmp_path):
    """ "embedded" needs nothing but a directory, and keeps what it was given."""
    with running_database("embedded", tmp_path) as client:
        client.set("tag", "digest")
        with connect("embedded", tmp_path) as second:
            assert second.get("tag") == b"digest"
    with running_database("embedded", tmp_path) as client:
        assert client.get("tag") == b"digest"


def test_restart_of_redis_goes_unnoticed(tmp_path, port):
    """A connection that broke with the old server is replaced within the command."""
    with server(tmp_path, port, "--appendonly", "yes"):
        client = connect(f"redis://127.0.0.1:{port}", tmp_path)
        client.set("tag", "digest")
    with client, server(tmp_path, port, "--appendonly", "yes"):
        assert client.get("tag") == b"digest"


def test_frozen_redis_costs_one_timeout(tmp_path, port):
    """A Redis that stopped answering on an open connection fails the command after one timeout."""
    with server(tmp_path, port) as process, connect(f"redis://127.0.0.1:{port}", tmp_path, timeout=0.4) as client:
        client.ping()
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(redis.TimeoutError):
            client.get("tag")
        assert time.monotonic() - began < 0.75


def test_sentinels_lead_to_the_master(tmp_path, port):
    """The master is found through the first sentinel that is up, and asked with the password of the URL."""
    settings = tmp_path / "sentinel.conf"
    settings.write_text(f"sentinel monitor main 127.0.0.1 {port} 1\nsentinel auth-pass main hush\n")
    (tmp_path / "sentinel").mkdir()
    watcher, nobody = free_port(), free_port()
    with (
        server(tmp_path, port, "--save", "", "--requirepass", "hush"),
        server(tmp_path / "sentinel", watcher, str(settings), "--sentinel"),
    ):
        url = f"redis+sentinel://:hush@127.0.0.1:{nobody},127.0.0.1:{watcher}"
        with running_database(f"{url}/main/2", tmp_path) as client:
            client.set("tag", "digest")
            assert client.info("server")["tcp_port"] == port
            assert client.info("keyspace")["db2"]["keys"] == 1
        with pytest.raises(StoreUnavailable, match="no sentinel"), running_database(f"{url}/other", tmp_path):
            pass


def test_client_of_a_context_serves_a_worker(tmp_path, port):
    """RQ waits for jobs longer than our timeout; it can lengthen that, since nothing has used the client before."""
    with server(tmp_path, port), running_database(f"redis://127.0.0.1:{port}", tmp_path) as client:
        worker = SimpleWorker(["drain"], connection=client, worker_ttl=60)
        worker.heartbeat()
        used = client.connection_pool.get_connection()
        assert used.socket_timeout == 55
        assert worker.dequeue_timeout == 45
        client.connection_pool.release(used)
