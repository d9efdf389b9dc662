"""TC3-HMAC-SHA256, Tencent Cloud's request signature: whether a known key signed these bytes a short time ago.

A request is genuine when

1. its `Authorization` has the documented form and signs at least `content-type` and `host`;
2. `X-TC-Timestamp` is at most 5 minutes away from now;
3. the key is known;
4. the scope names the UTC day of that time and the service `tcr`, or, as one client does, the first label of the host;
5. the signature fits the body as it came: `UNSIGNED-PAYLOAD` is refused.

Clients disagree about what of a header is signed, so four readings count: values as sent or in lower case, as the
vendor specifies, and the host with its port or without. Action, version and region are never signed: an eavesdropper
can send the same body under another action for 5 minutes, and only TLS keeps it from listening.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from enforcer.errors import EnforcerError

SCHEME = "TC3-HMAC-SHA256"
SERVICE = "tcr"

TOLERANCE = 300
"""Seconds by which the clocks of client and server may differ: the vendor's own limit."""

_AUTHORIZATION = re.compile(
    rf"{SCHEME}\s+Credential=(?P<key>\S+)/(?P<date>\d{{4}}-\d\d-\d\d)/(?P<service>[^/\s]+)/tc3_request,"
    r"\s*SignedHeaders=(?P<headers>[a-z0-9-]+(?:;[a-z0-9-]+)*),\s*Signature=(?P<signature>[0-9a-f]{64})",
    flags=re.ASCII,
)
_TIMESTAMP = re.compile(r"\d{1,12}", flags=re.ASCII)
_MUST_BE_SIGNED = frozenset({"content-type", "host"})


class Fault(StrEnum):
    """Why a request is not believed, in the vendor's error codes."""

    MALFORMED = "AuthFailure.InvalidAuthorization"
    UNKNOWN_KEY = "AuthFailure.SecretIdNotFound"
    MISMATCH = "AuthFailure.SignatureFailure"
    EXPIRED = "AuthFailure.SignatureExpire"


class SignatureRefused(EnforcerError):
    """A request was not signed, or not with the key that it names, or not lately; `fault` says which."""

    def __init__(self, message: str, fault: Fault) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request: the query as it was sent, the raw body, and the headers by lower-case name."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> bytes:
        """The part that is hashed: a GET has none, whatever follows its headers."""
        return b"" if self.method == "GET" else self.body


class _Authorization(NamedTuple):
    key: str
    date: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        return f"{self.date}/{self.service}/tc3_request"


def verify(request: SignedRequest, secret_of: Callable[[str], str | None], now: float) -> str:
    """The key id (SecretId) that signed the request; `now` is in seconds since 1970. Raises `SignatureRefused`."""
    authorization = _read(request.headers)
    timestamp = _fresh_timestamp(request.headers, now)
    secret = secret_of(authorization.key)
    if secret is None:
        raise SignatureRefused(
            "the SecretId is none of the configured access keys: correct it, or add it to an account", Fault.UNKNOWN_KEY
        )
    _check_scope(authorization, request.headers["host"], timestamp)
    _check_payload_header(request)
    # A list, not a generator: which reading fits must not show in the time it takes.
    matches = [
        hmac.compare_digest(_signature(canonical, authorization, timestamp, secret), authorization.signature)
        for canonical in canonical_requests(request, authorization.signed_headers)
    ]
    if not any(matches):
        raise SignatureRefused(
            "the signature does not fit the request: check the SecretKey, and that no proxy changes Host or body",
            Fault.MISMATCH,
        )
    return authorization.key


def canonical_requests(request: SignedRequest, signed_headers: Sequence[str]) -> Iterator[bytes]:
    """The text that is signed, in each of the readings; these headers must all be there."""
    query = request.query if request.method == "GET" else ""
    digest = hashlib.sha256(request.payload).hexdigest()
    host = request.headers["host"].strip()
    for host_read in dict.fromkeys((host, _without_port(host))):
        values = {name: request.headers[name].strip() for name in signed_headers} | {"host": host_read}
        lines = "".join(f"{name}:{values[name]}\n" for name in signed_headers)
        for read in dict.fromkeys((lines, lines.lower())):
            text = "\n".join((request.method, "/", query, read, ";".join(signed_headers), digest))
            yield text.encode("latin-1", "replace")  # the bytes as sent: that is how WSGI shows headers


def _read(headers: Mapping[str, str]) -> _Authorization:
    text = headers.get("authorization", "").strip()
    if not text:
        raise SignatureRefused(f"the request is not signed: sign it with {SCHEME}", Fault.MALFORMED)
    found = _AUTHORIZATION.fullmatch(text)
    if found is None:
        raise SignatureRefused(
            f"Authorization should be '{SCHEME} Credential=<SecretId>/<date>/{SERVICE}/tc3_request, "
            "SignedHeaders=content-type;host, Signature=<64 hex digits>'",
            Fault.MALFORMED,
        )
    signed = tuple(found["headers"].split(";"))
    if unsigned := sorted(_MUST_BE_SIGNED - set(signed)):
        raise SignatureRefused(f"SignedHeaders lacks {' and '.join(unsigned)}: sign both", Fault.MALFORMED)
    if absent := sorted(set(signed) - headers.keys()):
        raise SignatureRefused(f"SignedHeaders names {absent[0]}, which the request does not have", Fault.MALFORMED)
    return _Authorization(found["key"], found["date"], found["service"], signed, found["signature"])


def _fresh_timestamp(headers: Mapping[str, str], now: float) -> str:
    text = headers.get("x-tc-timestamp", "")
    if not _TIMESTAMP.fullmatch(text):
        raise SignatureRefused("X-TC-Timestamp should be the time in whole seconds since 1970", Fault.MALFORMED)
    if abs(now - int(text)) > TOLERANCE:
        raise SignatureRefused(
            f"X-TC-Timestamp is {abs(now - int(text)):.0f} s away from the server's time, more than {TOLERANCE}: "
            "set the clock",
            Fault.EXPIRED,
        )
    return text


def _check_scope(authorization: _Authorization, host: str, timestamp: str) -> None:
    day = datetime.fromtimestamp(int(timestamp), UTC).date().isoformat()
    if authorization.date != day:
        raise SignatureRefused(
            f"the credential is for {authorization.date}; X-TC-Timestamp is on {day}, UTC", Fault.MISMATCH
        )
    if authorization.service not in {SERVICE, _first_label(host)}:
        raise SignatureRefused(f"the credential is for another service than {SERVICE}", Fault.MISMATCH)


def _check_payload_header(request: SignedRequest) -> None:
    """The header would have a literal hashed in place of the body."""
    claimed = request.headers.get("x-tc-content-sha256", "").strip()
    if claimed and not hmac.compare_digest(
        claimed.encode("latin-1", "replace"), hashlib.sha256(request.payload).hexdigest().encode()
    ):
        raise SignatureRefused(
            "X-TC-Content-SHA256 is not the hash of the body; UNSIGNED-PAYLOAD is not accepted: sign the body",
            Fault.MISMATCH,
        )


def _signature(canonical: bytes, authorization: _Authorization, timestamp: str, secret: str) -> str:
    text = "\n".join((SCHEME, timestamp, authorization.scope, hashlib.sha256(canonical).hexdigest()))
    key = f"TC3{secret}".encode()
    for part in (authorization.date, authorization.service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _without_port(host: str) -> str:
    name, _, port = host.rpartition(":")
    return name if name and port.isdecimal() else host


def _first_label(host: str) -> str:
    """`registry` of `registry.example:8080`, also where a client writes the scheme before it."""
    return _without_port(host.strip()).rpartition("://")[2].partition(".")[0]
