"""SDK-HMAC-SHA256, Huawei Cloud's request signature: whether a known key signed this request a short time ago.

A request is genuine when

1. its `Authorization` has the documented form, names `x-sdk-date` among the signed headers, and all of them are there;
2. `X-Sdk-Date` is at most 15 minutes away from now;
3. the key is known;
4. the signature fits method, path, query, signed headers and body as they came. `X-Sdk-Content-Sha256`, which the
   algorithm takes for the body's hash, must be just that: `UNSIGNED-PAYLOAD` would leave the body open.

Which headers are signed is the client's choice, and clients differ: some leave out `host`, some `user-agent`. There is
no nonce, and a request that is repeated within a second has the same bytes, so a replay is not told from a retry.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from enforcer.errors import EnforcerError, InvalidName
from enforcer.times import Time

SCHEME = "SDK-HMAC-SHA256"

TOLERANCE = 900
"""Seconds by which the clocks of client and server may differ: the vendor's own limit."""

_AUTHORIZATION = re.compile(
    rf"{SCHEME}\s+Access=(?P<key>[^\s,]+),\s*SignedHeaders=(?P<headers>[a-z0-9-]+(?:;[a-z0-9-]+)*),"
    r"\s*Signature=(?P<signature>[0-9a-fA-F]{64})",
    flags=re.ASCII,
)
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z", flags=re.ASCII)
_DATE_HEADER = "x-sdk-date"
_CONTENT_HEADER = "x-sdk-content-sha256"


class SignatureRefused(EnforcerError):
    """A request was not signed, or not with the key that it names, or not lately."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request, as WSGI has them: text in which each character is a byte.

    The path is decoded, the query is not; `headers` are names, in any case, and values.
    """

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """All values of a header, trimmed."""
        return [value.strip(" \t") for known, value in self.headers if known.lower() == name]


class _Authorization(NamedTuple):
    key: str
    signed_headers: tuple[str, ...]
    signature: str


def verify(request: SignedRequest, secret_of: Callable[[str], str | None], now: Time) -> str:
    """The key id (AK) that signed the request. Raises `SignatureRefused`."""
    authorization = _read(request)
    date = _fresh_date(request, now)
    _check_body(request)
    secret = secret_of(authorization.key)
    # Signed with no key at all where none is known, so that the time it takes tells nothing.
    expected = _signature(canonical_request(request, authorization.signed_headers), date, secret or "")
    if secret is None or not hmac.compare_digest(expected, authorization.signature.lower()):
        raise SignatureRefused(
            "the access key is not known or the signature does not fit: check both halves of the key, and that no "
            "proxy changes path, Host or User-Agent"
        )
    return authorization.key


def canonical_request(request: SignedRequest, signed_headers: Sequence[str]) -> bytes:
    """The text whose hash is signed; these headers must all be there."""
    # Decoded and encoded again: clients differ in which characters they leave as they are, the algorithm does not.
    path = "/".join(quote(segment, safe="") for segment in request.path.encode("latin-1").split(b"/"))
    lines = [f"{name}:{value}\n" for name in signed_headers for value in sorted(request.values(name))]
    return b"\n".join(
        part.encode("latin-1")
        for part in (
            request.method,
            # The algorithm ends every path with a slash, whether the request had one or not.
            path if path.endswith("/") else f"{path}/",
            _canonical_query(request.query),
            "".join(lines),
            ";".join(signed_headers),
            hashlib.sha256(request.body).hexdigest(),
        )
    )


def _canonical_query(query: str) -> str:
    pairs = [
        tuple(unquote_to_bytes(part.replace(b"+", b" ")) for part in pair.partition(b"=")[::2])
        for pair in query.encode("latin-1").split(b"&")
        if pair
    ]
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(pairs))


def _signature(canonical: bytes, date: str, secret: str) -> str:
    text = "\n".join((SCHEME, date, hashlib.sha256(canonical).hexdigest()))
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def _read(request: SignedRequest) -> _Authorization:
    found = _AUTHORIZATION.fullmatch("".join(request.values("authorization")))
    if found is None:
        raise SignatureRefused(
            f"Authorization should be '{SCHEME} Access=<AK>, SignedHeaders=<names in lower case, joined by ;>, "
            "Signature=<64 hex digits>'"
        )
    signed = tuple(found["headers"].split(";"))
    if _DATE_HEADER not in signed:
        raise SignatureRefused(f"SignedHeaders lacks {_DATE_HEADER}: sign it")
    for name in signed:
        if not request.values(name):
            raise SignatureRefused(f"SignedHeaders names {name}, which the request does not have")
    return _Authorization(found["key"], signed, found["signature"])


def _fresh_date(request: SignedRequest, now: Time) -> str:
    text = "".join(request.values(_DATE_HEADER))
    try:
        date = Time(_DATE.sub(r"\1-\2-\3T\4:\5:\6Z", text) if _DATE.fullmatch(text) else "")
    except InvalidName as error:
        raise SignatureRefused("X-Sdk-Date should be a time in UTC, written as 20260102T030405Z") from error
    distance = abs(now.since(date))
    if distance > TOLERANCE:
        raise SignatureRefused(
            f"X-Sdk-Date is {distance:.0f} s away from the server's time, more than {TOLERANCE}: set the clock"
        )
    return text


def _check_body(request: SignedRequest) -> None:
    digest = hashlib.sha256(request.body).hexdigest()
    for claimed in request.values(_CONTENT_HEADER):
        if not hmac.compare_digest(claimed.lower().encode("latin-1"), digest.encode()):
            raise SignatureRefused(
                "X-Sdk-Content-Sha256 is not the hash of the body; UNSIGNED-PAYLOAD is not accepted: sign the body"
            )
