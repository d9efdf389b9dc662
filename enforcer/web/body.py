"""The body of a request to one of the policy APIs: bounded, and as it was sent, since signatures cover its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

LIMIT = 1024 * 1024
"""Bytes of the longest body that is parsed; a rule has about 500."""

_DISCARDED = 16 * LIMIT
"""Up to so many bytes more are read and thrown away, so that the sender gets to see its answer."""

_CHUNK = 64 * 1024


def read_body() -> bytes:
    """The body of the current request. Raises `RequestEntityTooLarge`, or `BadRequest` if it does not arrive whole."""
    body = b"".join(_read(LIMIT + 1))
    if len(body) <= LIMIT:
        return body
    for _ in _read(_DISCARDED):
        pass
    raise RequestEntityTooLarge(f"the body is longer than {LIMIT} bytes")


def _read(most: int) -> Iterator[bytes]:
    """What comes, until it ends or is as much as that."""
    while most > 0:
        try:
            chunk = request.stream.read(min(most, _CHUNK))
        except Exception as error:  # each WSGI server has kinds of its own for chunks that are none
            raise BadRequest("the body did not arrive whole: its length or its chunks are wrong") from error
        if not chunk:
            return
        most -= len(chunk)
        yield chunk
