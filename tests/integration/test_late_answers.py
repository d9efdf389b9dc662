"""A Redis that stands still for longer than a command waits, and goes on."""

from __future__ import annotations

import signal
import time

import pytest
import redis

from enforcer.store.connection import connect
from tests.integration.servers import Server, free_port, program, start_redis

pytestmark = pytest.mark.integration

TIMEOUT = 0.3


@pytest.fixture
def master(tmp_path):
    server = start_redis(tmp_path / "master", appendonly=False)
    yield server
    server.kill()


@pytest.fixture
def sentinel(tmp_path, master):
    """A sentinel that takes a minute to give the master up: here it only says where it is."""
    directory = tmp_path / "sentinel"
    directory.mkdir()
    port = free_port()
    config = directory / "sentinel.conf"
    config.write_text(
        f"port {port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {master.port} 1\n"
        "sentinel down-after-milliseconds main 60000\n"
    )
    server = Server([program("redis-server"), config, "--sentinel"], port, directory)
    yield server
    server.kill()


@pytest.fixture(params=["redis://", "unix://", "redis+sentinel://"])
def url(request, tmp_path, master):
    if request.param == "redis+sentinel://":
        return f"redis+sentinel://127.0.0.1:{request.getfixturevalue('sentinel').port}/main/0"
    if request.param == "unix://":
        master.kill()
        master.command += ["--unixsocket", str(tmp_path / "s")]
        master.start()
        return f"unix://{tmp_path / 's'}"
    return master.url


def test_no_command_reads_the_answer_of_another(url, master, tmp_path):
    """A command whose time ran out leaves nothing behind that the next one would take for its own answer."""
    with connect(url, tmp_path, timeout=TIMEOUT) as client:
        client.mset({"first": "1", "second": "2"})
        for _ in range(5):
            assert client.get("first") == b"1"
            master.process.send_signal(signal.SIGSTOP)
            try:
                with pytest.raises(redis.RedisError):
                    client.get("first")
            finally:
                master.process.send_signal(signal.SIGCONT)
            time.sleep(0.05)  # the answer to the first is on its way now
            assert client.get("second") == b"2"
