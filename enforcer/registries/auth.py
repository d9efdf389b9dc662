"""Credentials, as registries ask for them: Basic, or Bearer with a token from the registry's token service.

* Credentials go to the registry itself, and to a token service only if it is the configured one, or on the registry's
  own host and not less protected than the registry.
* Once a registry has asked, it is told without being asked again; so an ordinary request is one request.
* A token is for one scope, is asked for once however many threads need it, and is not used in its last seconds.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import SplitResult, urlsplit

from enforcer.errors import RegistryDenied, RegistryError, RegistryRefused, RegistryUnavailable
from enforcer.registries.challenges import Challenge, challenges, merged_scopes
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.transport import Answer, Request, Transport

_GRANTS = 4096
"""Tokens that are remembered; those of the scopes that were asked for first go first."""

_LIFETIME = 60.0
"""Seconds; what the token specification says of an answer without `expires_in`."""

_LONGEST_LIFETIME = 3600.0
_MARGIN = 10.0
"""Seconds before its end from which a token is not used: it must still be good when the registry reads it."""

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
# Stricter than a URL may be, so that the next parser finds the same host in it.
_REALM = re.compile(
    r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:[/?][\w.~%!$&'()*+,;=:/?-]*)?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _TokenService:
    address: SplitResult
    service: str


@dataclass(slots=True)
class _Grant:
    """The token for one scope, and the lock under which it is fetched."""

    scopes: tuple[str, ...]
    lock: Lock = field(default_factory=Lock)
    header: str = ""
    good_until: float = 0.0


class Authenticator:
    """The `Authorization` headers for one registry. Safe for many threads at a time.

    A `scope` is what a request needs, as `repository:team/app:pull`, or "" for a request that needs to be known only.
    `clock` counts seconds; `most` tokens are remembered.
    """

    def __init__(
        self,
        endpoint: RegistryEndpoint,
        transport: Transport,
        clock: Callable[[], float] = time.monotonic,
        *,
        most: int = _GRANTS,
    ) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._clock = clock
        self._most = most
        self._basic = _basic_header(endpoint) if endpoint.username else None
        self._sends_basic = False
        self._service: _TokenService | None = None
        self._grants: dict[str, _Grant] = {}
        self._lock = Lock()

    def header(self, scope: str) -> str | None:
        """The header to send before it is asked for; None until the registry has asked once.

        May ask the token service. Raises what that answers as `RegistryError`.
        """
        if self._sends_basic:
            return self._basic
        service = self._service
        return None if service is None else self._token(self._grant(scope), service)

    def renewed(self, challenge: str, scope: str, rejected: str | None) -> str | None:
        """The header to send after a 401 with this `WWW-Authenticate`; None where there is none but `rejected`.

        Raises `RegistryDenied` where the registry names a token service that must not have the credentials.
        """
        asked = {found.scheme: found for found in reversed(challenges(challenge))}
        bearer = asked.get("bearer")
        if bearer is not None:
            service = self._trusted(bearer)
            if service is not None:
                return self._renewed_token(service, bearer, scope, rejected)
            if "basic" not in asked:
                raise self._untrusted(bearer)
        if "basic" not in asked or self._basic is None or self._basic == rejected:
            return None
        self._sends_basic = True
        return self._basic

    def _renewed_token(self, service: _TokenService, bearer: Challenge, scope: str, rejected: str | None) -> str:
        self._service = service
        self._sends_basic = False
        grant = self._grant(scope)
        with grant.lock:
            wanted = merged_scopes(*grant.scopes, bearer.parameters.get("scope", ""))
            # Another thread may have renewed it since: a token that was not the rejected one is still good.
            if wanted != grant.scopes or grant.header == rejected:
                grant.header = ""
            grant.scopes = wanted
        return self._token(grant, service)

    def _grant(self, scope: str) -> _Grant:
        with self._lock:
            grant = self._grants.get(scope)
            if grant is None:
                # A thread may still hold the one that goes: it finishes with it, and the next asks again.
                if len(self._grants) >= self._most:
                    del self._grants[next(iter(self._grants))]
                grant = self._grants[scope] = _Grant(merged_scopes(scope))
            return grant

    def _token(self, grant: _Grant, service: _TokenService) -> str:
        # The lock is held while the token is fetched: the threads that wait need that same token.
        with grant.lock:
            now = self._clock()
            if not grant.header or now >= grant.good_until:
                token, lifetime = self._fetched(service, grant.scopes)
                grant.header = f"Bearer {token}"
                grant.good_until = now + max(lifetime - _MARGIN, lifetime / 2)
            return grant.header

    def _fetched(self, service: _TokenService, scopes: Sequence[str]) -> tuple[str, float]:
        """A token and its lifetime in seconds."""
        query = [("service", service.service)] if service.service else []
        query += [("scope", scope) for scope in scopes]
        what = f"asking {service.address.netloc} for a token for registry {self._endpoint.name}"
        request = Request(method="GET", url=service.address.geturl(), what=what, query=query)
        answer = self._transport.send(request, self._basic)
        if answer.status != 200 or not answer.complete:
            raise self._refused(answer, what)
        return _token_in(answer.body, what)

    def _refused(self, answer: Answer, what: str) -> RegistryError:
        """A token service's error, and never one that would mean something about a tag."""
        error = answer.error(what)
        if isinstance(error, RegistryUnavailable | RegistryDenied | RegistryRefused):
            return error
        return RegistryRefused(f"{error}: check token_url of registry {self._endpoint.name}", status=answer.status)

    def _trusted(self, bearer: Challenge) -> _TokenService | None:
        """The token service that a challenge names, if it may have the credentials."""
        offered, registry = _realm(bearer), urlsplit(self._endpoint.url)
        if offered is None:
            return None
        is_configured = self._endpoint.token_url is not None and _same(offered, urlsplit(self._endpoint.token_url))
        # Another port of the same host may be anybody's: whoever can answer for the registry once would name it.
        is_own = _address(offered)[:2] == _address(registry)[:2]
        return _TokenService(offered, bearer.parameters.get("service", "")) if is_configured or is_own else None

    def _untrusted(self, bearer: Challenge) -> RegistryDenied:
        offered = _realm(bearer)
        host = "an address that is no plain URL" if offered is None else f"{offered.scheme}://{offered.netloc}"
        return RegistryDenied(
            f"registry {self._endpoint.name} asks for a token from {host}, to which the credentials are not sent: "
            "if that is its token service, set token_url of the registry to that service's address",
            status=401,
        )


def _realm(bearer: Challenge) -> SplitResult | None:
    realm = bearer.parameters.get("realm", "")
    try:
        return urlsplit(realm) if _REALM.fullmatch(realm) else None
    except ValueError:  # brackets around what is no IPv6 address
        return None


def _basic_header(endpoint: RegistryEndpoint) -> str:
    return "Basic " + b64encode(f"{endpoint.username}:{endpoint.password}".encode()).decode()


def _same(one: SplitResult, other: SplitResult) -> bool:
    """True if two URLs are the same address, however they are written."""
    return _address(one) == _address(other)


def _address(url: SplitResult) -> tuple[str, ...]:
    default = ":443" if url.scheme == "https" else ":80"
    return (url.scheme, url.netloc.lower().removesuffix(default), url.path.rstrip("/"), url.query)


def _token_in(body: bytes, what: str) -> tuple[str, float]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise RegistryRefused(f"{what}: the answer is no JSON object: check the registry's token_url")
    # The specification allows both names, for OAuth's sake.
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RegistryRefused(f"{what}: the answer holds no token: check the registry's token_url")
    lifetime = fields.get("expires_in")
    if not isinstance(lifetime, int | float) or not lifetime > 0:
        lifetime = _LIFETIME
    return token, min(float(lifetime), _LONGEST_LIFETIME)
