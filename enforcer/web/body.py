"""The body of a request: bounded, and as it was sent, since signatures cover its bytes."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

LIMIT = 1024 * 1024
"""Bytes of the longest body that the policy APIs parse; a rule has about 500."""

_DISCARDED = 16
"""Up to so many times the limit are read and thrown away, so that the sender gets to see its answer."""

_CHUNK = 64 * 1024


def read_body() -> bytes:
    """The body of the current request. Raises `RequestEntityTooLarge`, or `BadRequest` if it does not arrive whole."""
    body = read_beginning(LIMIT)
    if len(body) > LIMIT:
        raise RequestEntityTooLarge(f"the body is longer than {LIMIT} bytes")
    return body


def read_beginning(limit: int) -> bytes:
    """The body of the current request; of a longer one, one byte more than the limit. Raises `BadRequest`."""
    body = b"".join(_chunks(limit + 1))
    if len(body) > limit:
        # A server that answers and closes while the sender still writes resets the connection: the answer is lost, and
        # a registry, to which that is no answer, sends the same again for ever.
        for _ in _chunks(_DISCARDED * limit):
            pass
    return body


def _chunks(most: int) -> Iterator[bytes]:
    """The chunks of the body, until it ends or is as long as that."""
    while most > 0:
        try:
            chunk = request.stream.read(min(most, _CHUNK))
        except Exception as error:  # each WSGI server has kinds of its own for chunks that are none
            raise BadRequest("the body did not arrive whole: its length or its chunks are wrong") from error
        if not chunk:
            return
        most -= len(chunk)
        yield chunk
