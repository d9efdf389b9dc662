"""Connections to Redis or Valkey, from the `redis_url` of the settings.

A command fails within its timeout: the receiver has to answer 503 while the registry still waits. One thing is tried
again, once and at once: a connection that broke, as every idle one does when Redis is started again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelManagedConnection

from enforcer.errors import InvalidSettings, StoreUnavailable
from enforcer.store import embedded
from enforcer.store.schema import check_schema

EMBEDDED = "embedded"

_SENTINEL = "redis+sentinel"
_SENTINEL_PORT = 26379
_SENTINEL_SECONDS = 1.0  # there are others to ask
_HEALTH_CHECK_SECONDS = 30
# The last @ ends the password, even where it has a /, ? or # that should have been written as %XX.
_LOGIN = re.compile(r"^([a-z+]+://)?.*@", flags=re.IGNORECASE | re.DOTALL)
_SECRET_PARAMETER = re.compile(r"([?&][^=&#]*password=)[^&]*", flags=re.IGNORECASE)
_DATABASE = re.compile(r"/?|/\d+", flags=re.ASCII)
_FORMS = (
    'write "embedded", redis://[user:password@]host:port[/db], rediss://…, unix:///path/of/socket[?db=n] or '
    "redis+sentinel://[user:password@]host:port[,host:port]/service[/db], special characters in a password as %XX"
)


def safe_url(url: str) -> str:
    """The URL as it may be shown: user, password and password parameters are replaced by `***`."""
    return _LOGIN.sub(r"\1***@", _SECRET_PARAMETER.sub(r"\1***", url))


def connect(redis_url: str, data_dir: Path, *, timeout: float = 5.0) -> redis.Redis:
    """A client that connects with its first command; `timeout` bounds connecting and each answer, in seconds.

    "embedded" needs a server that already runs: `running_database` starts it. Raises `InvalidSettings`.
    """
    options: dict[str, Any] = {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "health_check_interval": _HEALTH_CHECK_SECONDS,
        # Not after a timeout, as the library would: that doubles the wait, and the command may have been carried out.
        "retry": Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    }
    if redis_url == EMBEDDED:
        return _connect_to_url(f"unix://{quote(str(embedded.socket_path(data_dir)))}", options)
    try:
        return _connect_to_url(redis_url, options)
    except ValueError:  # its text may hold a part of the password
        raise InvalidSettings([f"redis_url: {safe_url(redis_url)!r} cannot be used: {_FORMS}"]) from None
    except TypeError as error:
        raise InvalidSettings([f"redis_url: {safe_url(redis_url)!r} has a parameter too many: {error}"]) from error


@contextmanager
def running_database(redis_url: str, data_dir: Path, memory: int = embedded.MEMORY) -> Iterator[redis.Redis]:
    """A client of a Redis that answers; for "embedded" its server is found or started, and left at the end.

    A server that is started takes `memory` bytes of data at most.
    Raises `StoreUnavailable`, `ServerFailed` or `InvalidSettings`.
    """
    with ExitStack() as stack:
        if redis_url == EMBEDDED:
            stack.enter_context(embedded.running(data_dir, memory))
        # A client of its own: an RQ worker can lengthen the timeout of connections to come, not of one that is open.
        with connect(redis_url, data_dir) as probe:
            _ping(probe, redis_url)
            check_schema(probe)
        yield stack.enter_context(connect(redis_url, data_dir))


def _ping(client: redis.Redis, redis_url: str) -> None:
    try:
        client.ping()
    except redis.AuthenticationError as error:
        raise StoreUnavailable(
            f"Redis at {safe_url(redis_url)} refuses the login ({error}): correct user and password in redis_url"
        ) from error
    except MasterNotFoundError as error:  # its text is a page long
        raise StoreUnavailable(
            f"no sentinel at {safe_url(redis_url)} knows a live master of that service: start it, or correct redis_url"
        ) from error
    except redis.RedisError as error:
        raise StoreUnavailable(
            f"Redis at {safe_url(redis_url)} does not answer ({error}): start it, or correct redis_url"
        ) from error


def _connect_to_url(redis_url: str, options: dict[str, Any]) -> redis.Redis:
    if redis_url.startswith(f"{_SENTINEL}://"):
        return _connect_by_sentinel(redis_url, options)
    url = urlsplit(redis_url)
    usable = url.path if url.scheme == "unix" else url.hostname and _DATABASE.fullmatch(url.path)
    if not usable:
        raise ValueError(redis_url)
    client = redis.Redis.from_url(redis_url, **options)
    pool = client.connection_pool
    pool.connection_class(**pool.connection_kwargs)  # a wrong parameter shows now, not at the first command
    return client


def _connect_by_sentinel(redis_url: str, options: dict[str, Any]) -> redis.Redis:
    # By hand: urlsplit knows one host, and refuses names beside an IPv6 address.
    place, _, path = redis_url.partition("://")[2].partition("/")
    login, _, hosts = place.rpartition("@")
    username, _, password = login.partition(":")
    service, _, database = path.partition("/")
    if not service:
        raise ValueError(redis_url)
    seconds = min(_SENTINEL_SECONDS, options["socket_timeout"])
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [_address(host) for host in hosts.split(",")],
        sentinel_kwargs={
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": Retry(NoBackoff(), 0),
        },
        **options,
    )
    client: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        unquote(service),
        db=int(database or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
        connection_class=_MasterConnection,
    )
    return client


class _MasterConnection(SentinelManagedConnection):
    """A connection to the master that is closed when an answer does not come in time, as every other kind is."""

    def read_response(self, disable_decoding: bool = False, **options: Any) -> Any:
        # The library's own gives a connection back to the pool with the answer outstanding: the next command would read
        # it for its own. A master that stands still and goes on is enough for that.
        return super().read_response(disable_decoding, **options | {"disconnect_on_error": True})


def _address(host: str) -> tuple[str, int]:
    url = urlsplit(f"//{host}")
    if not url.hostname:
        raise ValueError(host)
    return url.hostname, url.port or _SENTINEL_PORT
