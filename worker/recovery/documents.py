"""Documents: JSON from files of any size, one a line or in one array, plain or gzip, a document at a time."""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest document that is read, unless a caller says otherwise."""

_CHUNK = 64 * 1024
_GZIP = b"\x1f\x8b"
_SPACE = " \t\r\n"
_EXCERPT = 1000
"""Characters that are shown of what cannot be read on."""


@dataclass(frozen=True, slots=True)
class Document:
    """One document and where it stands; `problem` says why it is none."""

    where: str
    value: Any = None
    problem: str = ""
    text: str = ""


class Counted(io.RawIOBase):
    """A stream that reports how far it was read."""

    def __init__(self, stream: BinaryIO, advance: Callable[[int], None]) -> None:
        self._stream = stream
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._advance(len(data))
        return len(data)


def read_documents(
    name: str, stream: BinaryIO, advance: Callable[[int], None] = lambda _: None, *, longest: int = LONGEST
) -> Iterator[Document]:
    """The documents of a stream; `advance` is called with the number of bytes of each read from it."""
    raw = io.BufferedReader(Counted(stream, advance), _CHUNK)
    compressed = raw.peek(2)[:2] == _GZIP
    source: Any = gzip.GzipFile(fileobj=raw) if compressed else raw
    text = io.TextIOWrapper(source, encoding="utf-8", errors="replace", newline="\n")
    try:
        first = _skip_space(text)
        yield from _read_array(name, text, longest) if first == "[" else _read_lines(name, text, first, longest)
    except (OSError, EOFError, zlib.error) as error:
        yield Document(name, problem=f"cannot be read on: {error}")


def _skip_space(text: io.TextIOWrapper) -> str:
    while (character := text.read(1)) and character in _SPACE + "\ufeff":
        pass
    return character


def _read_lines(name: str, text: io.TextIOWrapper, first: str, longest: int) -> Iterator[Document]:
    number = 0
    while line := first + text.readline(longest):
        first = ""
        number += 1
        where = f"{name}:{number}"
        if len(line) >= longest and not line.endswith("\n"):
            yield Document(where, problem=f"longer than {longest} bytes")
            while (rest := text.readline(longest)) and not rest.endswith("\n"):
                pass
        elif line.strip():
            yield _document(where, line)


def _document(where: str, text: str) -> Document:
    try:
        return Document(where, json.loads(text), text=text)
    except (ValueError, RecursionError) as error:
        return Document(where, problem=f"no JSON: {error}", text=text)


def _read_array(name: str, text: io.TextIOWrapper, longest: int) -> Iterator[Document]:
    """The elements of an array whose `[` was read. Nothing that follows an element that is no JSON can be read."""
    decoder, buffer, at, number = json.JSONDecoder(), "", 0, 0
    while True:
        at = _after_space(buffer, at)
        if buffer[at : at + 1] == "]":
            if rest := (buffer[at + 1 :] + text.read(_CHUNK)).strip(_SPACE):
                yield Document(name, problem="something follows the array: one array a file", text=rest[:_EXCERPT])
            return
        try:
            value, end = decoder.raw_decode(buffer, at)
        except (ValueError, RecursionError) as error:
            # As much again as is there already, so that a long element is not begun too often.
            more = text.read(max(_CHUNK, len(buffer) - at)) if len(buffer) - at < longest else ""
            if not more:
                problem = f"the array ends here, in no JSON: {error}"
                yield Document(f"{name}[{number}]", problem=problem, text=buffer[at : at + _EXCERPT])
                return
            buffer, at = buffer[at:] + more, 0
        else:
            yield Document(f"{name}[{number}]", value, text=buffer[at:end])
            at = end
            number += 1


def _after_space(buffer: str, at: int) -> int:
    while buffer[at : at + 1] and buffer[at] in _SPACE + ",":
        at += 1
    return at
