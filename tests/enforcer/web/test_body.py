"""Bodies: read up to a limit, and thrown away up to another."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from enforcer.web.body import LIMIT, read_beginning, read_body


class Broken(io.RawIOBase):
    """Chunks that end in nonsense."""

    def __init__(self, length):
        self._left = length

    def read(self, size=-1):
        if not self._left:
            raise RuntimeError("invalid chunk size")
        length = min(size, self._left)
        self._left -= length
        return b"x" * length


def read(stream, reader=read_body):
    """Read a body of no announced length."""
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True}
    with Flask(__name__).test_request_context(method="POST", environ_overrides=environ):
        return reader()


@pytest.mark.parametrize("length", [0, 1, LIMIT])
def test_whole(length):
    """A body up to the limit is read as it is."""
    assert read(io.BytesIO(b"x" * length)) == b"x" * length


def test_too_long():
    """One that is longer is read to its end, so that its sender gets to see the answer."""
    stream = io.BytesIO(b"x" * (5 * LIMIT))
    with pytest.raises(RequestEntityTooLarge, match="longer than 1048576 bytes"):
        read(stream)
    assert stream.tell() == 5 * LIMIT


def test_endless():
    """One that does not end is not read for ever."""
    stream = io.BytesIO(b"x" * (40 * LIMIT))
    with pytest.raises(RequestEntityTooLarge):
        read(stream)
    assert stream.tell() < 20 * LIMIT


@pytest.mark.parametrize("length", [0, 100, LIMIT + 1])
def test_broken(length):
    """What breaks off is the sender's fault, at whatever point."""
    with pytest.raises(BadRequest, match="did not arrive whole"):
        read(Broken(length))


@pytest.mark.parametrize("length", [0, 99, 100, 101, 1000])
def test_beginning(length):
    """Of a body that is too long, one byte more than the limit tells so; the rest is read and thrown away."""
    stream = io.BytesIO(b"x" * length)
    assert read(stream, lambda: read_beginning(100)) == b"x" * min(length, 101)
    assert stream.tell() == length
