"""The body of a request to one of the policy APIs: bounded, and as it was sent, since signatures cover its bytes."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

LIMIT = 1024 * 1024
"""Bytes of the longest body that is parsed; a rule has about 500."""

_DISCARDED = 16 * LIMIT
"""Up to so many bytes more are read and thrown away, so that the sender gets to see its answer."""

_CHUNK = 64 * 1024


def read_body() -> bytes:
    """The body of the current request. Raises `RequestEntityTooLarge`."""
    body = request.stream.read(LIMIT + 1)
    if len(body) <= LIMIT:
        return body
    left = _DISCARDED
    while left > 0 and (chunk := request.stream.read(_CHUNK)):
        left -= len(chunk)
    raise RequestEntityTooLarge(f"the body is longer than {LIMIT} bytes")
