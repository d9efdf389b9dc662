"""HTTP to a registry and its token service: one request, one bounded answer, and no error but our own."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from enforcer.errors import RegistryError, RegistryRefused, RegistryUnavailable
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.errors import ERROR_LIMIT, error_of

_CHUNK = 64 * 1024
_CONNECTIONS = 128
"""Idle connections that are kept for the next request; more are opened when more threads ask at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request; `what` says in an error what it was for, `limit` is how many bytes of a success are read."""

    method: str
    url: str
    what: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[tuple[str, str]] = ()
    body: bytes | None = None
    limit: int = ERROR_LIMIT


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, read to its end or to the limit; `headers` finds names in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool

    def error(self, what: str) -> RegistryError:
        """The error that the answer means where it is no success."""
        return error_of(self.status, self.headers, self.body, what)


class Transport:
    """Connections to one registry, for use by many threads at a time.

    They share one session: a connection outlives the thread that opened it, so short-lived pool threads need no new TLS
    handshake each, and `close` reaches them all. What a session keeps besides connections is cookies, and those are
    refused, so that nothing in it changes after construction.
    """

    def __init__(self, endpoint: RegistryEndpoint) -> None:
        self._timeout = endpoint.timeout
        self._verify: bool | str = endpoint.ca_file or True
        self._session = _Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        # Compressed by a proxy, a manifest would not be the bytes that its digest is about.
        self._session.headers.update({"User-Agent": endpoint.user_agent, "Accept-Encoding": "identity"})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_CONNECTIONS))

    def close(self) -> None:
        self._session.close()

    def send(self, request: Request, authorization: str | None = None) -> Answer:
        """Send it once. Raises `RegistryUnavailable` if no answer comes, `RegistryRefused` if it cannot be sent."""
        try:
            with self._session.request(
                request.method,
                request.url,
                params=list(request.query),
                headers=dict(request.headers),
                data=request.body,
                auth=_Authorization(authorization),
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
                verify=self._verify,  # not the session's, over which the environment's REQUESTS_CA_BUNDLE wins
            ) as response:
                limit = request.limit if response.status_code < 300 else ERROR_LIMIT
                body, complete = _read(response, limit, time.monotonic() + self._timeout)
                return Answer(response.status_code, response.headers, body, complete)
        except (OSError, HTTPError) as error:
            raise self._failure(request, error) from error

    def _failure(self, request: Request, error: Exception) -> RegistryError:
        if isinstance(error, ValueError):
            # Its text may hold the proxy's address with a password.
            return RegistryRefused(
                f"{request.what}: the request cannot be sent ({type(error).__name__}): "
                "check the registry's url and the proxy variables of the environment"
            )
        address = urlsplit(request.url)
        port = f":{address.port}" if address.port else ""
        through = " through the proxy" if isinstance(error, requests.exceptions.ProxyError) else ""
        advice = ": check ca_file of the registry" if isinstance(error, requests.exceptions.SSLError) else ""
        return RegistryUnavailable(
            f"{request.what}: no answer from {address.hostname}{port}{through}: {self._reason(error)}{advice}"
        )

    def _reason(self, error: BaseException) -> str:
        """The text of the innermost error, which is the system's own: those around it repeat the address."""
        while isinstance(inner := error.__cause__ or error.__context__, OSError | HTTPError | HTTPException):
            error = inner
        if isinstance(error, TimeoutError):
            return f"nothing within {self._timeout:g} seconds"
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return said[:200] or type(error).__name__


class _Session(requests.Session):
    """A session without redirects, which even unfollowed ones would read to their end, however long it is."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002 - the answer is always no
        return None


class _Authorization(AuthBase):
    """Exactly this header or none: with any `auth` object at hand requests looks neither into ~/.netrc nor the URL."""

    def __init__(self, value: str | None) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value is not None:
            request.headers["Authorization"] = self._value
        return request


def _read(response: requests.Response, limit: int, deadline: float) -> tuple[bytes, bool]:
    """The body up to the limit, and whether that was all of it. Raises `TimeoutError` past the deadline."""
    raw: Any = response.raw
    body = bytearray()
    # The timeout of requests is for each read: a registry that sends a byte now and then would hold a worker for ever.
    while len(body) <= limit:
        if time.monotonic() > deadline:
            raise TimeoutError
        # read1 returns what has come: read would wait for a whole chunk, though it may come byte by byte.
        chunk = raw.read1(min(_CHUNK, limit + 1 - len(body)), decode_content=True)
        if not chunk:
            return bytes(body), True
        body += chunk
    return bytes(body[:limit]), False
