from __future__ import annotations

import gzip
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.recovery.documents import read_documents

OBJECTS = [{"n": number, "text": "ä\u2028\n]},"} for number in range(5)]


def read(content: bytes, **limits):
    return list(read_documents("file", io.BytesIO(content), **limits))


def values(content: bytes):
    return [document.value for document in read(content) if not document.problem]


def problems(content: bytes):
    return [(document.where, document.problem) for document in read(content) if document.problem]


def lines(objects) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in objects)


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    "content",
    [
        lines(OBJECTS),
        lines(OBJECTS).rstrip(),
        b"\xef\xbb\xbf" + lines(OBJECTS),
        b"\n \r\n" + lines(OBJECTS).replace(b"\n", b"\r\n\r\n"),
        json.dumps(OBJECTS).encode(),
        json.dumps(OBJECTS, indent=2, ensure_ascii=False).encode() + b"\n\n",
        b"  " + json.dumps(OBJECTS, separators=(",", ":")).encode(),
    ],
    ids=[
        "lines",
        "no end of line",
        "byte order mark",
        "empty lines",
        "array",
        "array indented",
        "array without spaces",
    ],
)
def test_forms(content, packed):
    """One document a line or one array, compressed or not: the same documents."""
    assert values(packed(content)) == OBJECTS
    assert problems(packed(content)) == []


@pytest.mark.parametrize("content", [b"", b"\n \n", b"[]", b"[ ]\n", gzip.compress(b"", mtime=0)])
def test_nothing(content):
    """What holds no documents is no error."""
    assert read(content) == []


def test_several_gzip_members():
    """Archives that were appended to one another are read to the end."""
    assert values(gzip.compress(lines(OBJECTS[:2])) + gzip.compress(lines(OBJECTS[2:]))) == OBJECTS


def test_where_it_stands_and_what_it_says():
    """A document knows its file, its line or place, and its text."""
    (first, second) = read(b'{"a": 1}\n{"b": 2}\n')
    assert (second.where, second.text.strip()) == ("file:2", '{"b": 2}')
    (first, second) = read(b'[{"a": 1}, {"b": 2}]')
    assert (first.where, second.where, second.text) == ("file[0]", "file[1]", '{"b": 2}')


def test_a_bad_line_does_not_stop_the_others():
    """Each line that is no JSON is a problem of its own."""
    content = b'{"a": 1}\n{"a": \nnonsense\n' + b"[" * 5000 + b'\n\xff\xfe\n{"b": 2}\n'
    assert values(content) == [{"a": 1}, {"b": 2}]
    assert [where for where, _ in problems(content)] == ["file:2", "file:3", "file:4", "file:5"]
    assert all(problem.startswith("no JSON") for _, problem in problems(content))


def test_a_line_that_is_too_long():
    """A line without an end is not read into memory; what follows it is read."""
    content = b'{"a": 1}\n"' + b"x" * 1000 + b'"\n{"b": 2}\n'
    first, long, last = read(content, longest=100)
    assert (first.value, last.value) == ({"a": 1}, {"b": 2})
    assert (long.where, long.problem) == ("file:2", "longer than 100 bytes")


def test_an_array_that_breaks_off():
    """The elements before the break are read, and the break is told."""
    content = json.dumps(OBJECTS).encode()[:-10]
    assert values(content) == OBJECTS[:-1]
    ((where, problem),) = problems(content)
    assert where == "file[4]"
    assert "the array ends here" in problem


def test_something_behind_an_array():
    """Two arrays in one file are not half of them read in silence."""
    content = json.dumps(OBJECTS).encode()
    assert values(content + b"\n" + content) == OBJECTS
    assert [problem for _, problem in problems(content + b"\n" + content)] == [
        "something follows the array: one array a file"
    ]


def test_compressed_and_broken():
    """A compressed file that breaks off, or is damaged, gives what can be read and says so."""
    content = gzip.compress(lines([{"n": number} for number in range(20_000)]))
    whole = len(values(content))
    assert whole == 20_000
    assert 0 < len(values(content[:-1000])) < whole
    damaged = bytearray(content)
    damaged[len(content) // 2] ^= 0xFF
    for broken in (content[:-1000], bytes(damaged)):
        assert "cannot be read on" in problems(broken)[-1][1]


def test_an_element_longer_than_what_is_read_at_once():
    """Elements of several megabytes are read, and those behind them."""
    large = {"text": "x" * (3 << 20)}
    assert values(json.dumps([large, {"a": 1}]).encode()) == [large, {"a": 1}]


def test_tells_how_far_it_read():
    """In the end all bytes of the file were told, compressed ones where it is compressed."""
    content = gzip.compress(lines(OBJECTS))
    told: list[int] = []
    list(read_documents("file", io.BytesIO(content), told.append))
    assert sum(told) == len(content)


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), min_size=1), min_size=1))
def test_lines_and_array_are_equal(objects):
    """Whatever the objects, both forms give them back."""
    assert values(lines(objects)) == values(json.dumps(objects).encode()) == objects


@given(st.binary(max_size=200))
def test_any_bytes(content):
    """Whatever is in a file, reading it ends, with documents or problems."""
    for document in read(content):
        assert document.problem or document.text
