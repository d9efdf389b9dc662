from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import redis
from redis.sentinel import SentinelConnectionPool

from enforcer.errors import InvalidSettings, StoreUnavailable
from enforcer.store.connection import connect, running_database, safe_url


def pool_of(url):
    return connect(url, Path("data"), timeout=2.0).connection_pool


@pytest.fixture
def closed_port():
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port of 127.0.0.1 that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("embedded", "embedded"),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:secret@redis:6379", "redis://***@redis:6379"),
        ("rediss://user:secret@redis/1", "rediss://***@redis/1"),
        ("redis://:sec/ret@redis/1", "redis://***@redis/1"),
        ("redis://:sec?ret#@redis/1", "redis://***@redis/1"),
        ("redis://:sec@ret@redis/1", "redis://***@redis/1"),
        ("redis://:sec://ret@redis/1", "redis://***@redis/1"),
        ("redis://:sec\nret@redis", "redis://***@redis"),
        ("REDIS://:secret@redis", "REDIS://***@redis"),
        (":secret@redis", "***@redis"),
        ("unix:///run/redis.sock?password=secret&db=1", "unix:///run/redis.sock?password=***&db=1"),
        ("redis://redis?db=1&password=sec@ret", "redis://redis?db=1&password=***"),
        ("rediss://redis?ssl_password=secret", "rediss://redis?ssl_password=***"),
        ("redis+sentinel://:secret@a:1,b:2/main", "redis+sentinel://***@a:1,b:2/main"),
    ],
)
def test_url_is_shown_without_password(url, shown):
    """However badly a password is written into a URL, it is not shown."""
    assert safe_url(url) == shown


def test_url_names_server_and_database():
    """A redis URL means what redis-py says that it means."""
    found = pool_of("redis://user:p%40ss@redis:6380/3").connection_kwargs
    assert (found["host"], found["port"], found["db"]) == ("redis", 6380, 3)
    assert (found["username"], found["password"]) == ("user", "p@ss")


def test_rediss_is_encrypted():
    """The certificate of a rediss server is checked."""
    connection = pool_of("rediss://redis:6380/0").make_connection()
    assert isinstance(connection, redis.SSLConnection)
    assert connection.cert_reqs.name == "CERT_REQUIRED"


def test_unix_socket_is_a_path():
    """A unix URL names the socket, and the database as a parameter."""
    found = pool_of("unix:///run/redis.sock?db=2").connection_kwargs
    assert (found["path"], found["db"]) == ("/run/redis.sock", 2)


def test_embedded_is_the_socket_in_the_data_directory(tmp_path):
    """Every command finds the embedded server by data_dir alone, whatever that is called."""
    directory = tmp_path / "100% data?#"
    found = connect("embedded", directory).connection_pool.connection_kwargs
    assert found["path"] == str(directory / "valkey.sock")


def test_sentinel_url_names_service_and_database():
    """The login is for the Redis that the sentinels name; a sentinel has port 26379 where the URL names none."""
    pool = pool_of("redis+sentinel://user:p%40ss@a,b:26380,[::1]:7/main/4")
    assert isinstance(pool, SentinelConnectionPool)
    assert pool.service_name == "main"
    found = pool.connection_kwargs
    assert (found["username"], found["password"], found["db"]) == ("user", "p@ss", 4)
    sentinels = [client.connection_pool.connection_kwargs for client in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"]) for each in sentinels] == [("a", 26379), ("b", 26380), ("::1", 7)]
    assert [each["password"] for each in sentinels] == [None, None, None]


@pytest.mark.parametrize("url", ["redis://redis", "unix:///run/redis.sock", "redis+sentinel://a/main", "embedded"])
def test_every_wait_is_bounded(url):
    """Connecting and each answer have the timeout asked for, whatever kind of URL it is."""
    found = pool_of(url).connection_kwargs
    assert (found["socket_timeout"], found["socket_connect_timeout"]) == (2.0, 2.0)
    assert found["retry"].get_retries() == 1
    assert not found.get("decode_responses")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "redis://",
        "redis://redis/main",
        "redis://redis:port",
        "redis://:pa/ss@redis",
        "http://redis",
        "unix://",
        "redis+cluster://redis",
        "redis+sentinel://redis",
        "redis+sentinel:///main",
        "redis+sentinel://a,,b/main",
        "redis+sentinel://a:port/main",
        "redis+sentinel://a/main/db",
        "redis://redis?socket_timeout=soon",
        "redis://redis?sockettimeout=1",
    ],
)
def test_unusable_url_is_refused(url):
    """What would otherwise be guessed at, or fail at the first command, stops the start."""
    with pytest.raises(InvalidSettings, match="redis_url"):
        connect(url, Path("data"))


def test_refused_url_does_not_tell_the_password():
    """A password that broke the URL appears neither in the text nor in the cause."""
    with pytest.raises(InvalidSettings) as caught:
        connect("redis://:hush/hush@redis:6379", Path("data"))
    assert "hush" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_absent_redis_is_named_without_password(closed_port, tmp_path):
    """Who reads the error learns the address and what to do, not the password."""
    with (
        pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{closed_port}.*start it, or correct redis_url") as caught,
        running_database(f"redis://:hush@127.0.0.1:{closed_port}/0", tmp_path),
    ):
        pass
    assert "hush" not in str(caught.value)


def test_absent_sentinels_are_named_without_password(closed_port, tmp_path):
    """No sentinel: the error is one readable line."""
    with (
        pytest.raises(StoreUnavailable, match=rf"no sentinel at .*127\.0\.0\.1:{closed_port}/main") as caught,
        running_database(f"redis+sentinel://:hush@127.0.0.1:{closed_port}/main", tmp_path),
    ):
        pass
    assert "hush" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_silent_redis_costs_one_timeout(silent_port):
    """A command that got no answer is not sent again: the receiver answers 503 after one timeout."""
    began = time.monotonic()
    with (
        connect(f"redis://127.0.0.1:{silent_port}", Path("data"), timeout=0.4) as client,
        pytest.raises(redis.TimeoutError),
    ):
        client.ping()
    assert 0.4 <= time.monotonic() - began < 0.75


def test_absent_redis_fails_at_once(closed_port):
    """A refused connection is not waited for."""
    began = time.monotonic()
    with connect(f"redis://127.0.0.1:{closed_port}", Path("data")) as client, pytest.raises(redis.ConnectionError):
        client.ping()
    assert time.monotonic() - began < 1
