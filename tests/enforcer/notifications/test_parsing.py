from __future__ import annotations

import bisect
import json

import pytest

from enforcer.errors import InvalidNotification
from enforcer.names import RegistryName
from enforcer.notifications import distribution, harbor
from enforcer.notifications.parsing import event_id, evidence, need, parse_json

DIGEST = "sha256:" + "a" * 64
TIME = "2026-11-22T04:06:40Z"
PUSH = {
    "action": "push",
    "timestamp": TIME,
    "target": {"repository": "team/app", "tag": "1.0", "digest": DIGEST},
}
ARTIFACT = {
    "type": "PUSH_ARTIFACT",
    "occur_at": 1_795_320_400,
    "event_data": {"repository": {"repo_full_name": "team/app"}, "resources": [{"tag": "1.0", "digest": DIGEST}]},
}
FORMATS = {"distribution": (distribution.read, {"events": [PUSH]}), "harbor": (harbor.read, ARTIFACT)}


@pytest.mark.parametrize("read", [distribution.read, harbor.read])
@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000, b"null", b"[]", b"1" * 5000, b"\x80"])
def test_no_notification(read, body):
    """A body that is none is rejected whole, as it came."""
    reading = read(body, RegistryName("main"))

    assert reading.events == ()
    assert [rejected.content for rejected in reading.rejected] == [body]


@pytest.mark.parametrize("name", FORMATS)
def test_without_id(name):
    """Where a format gives an event no id, equal events have equal ones."""
    read, fields = FORMATS[name]
    first, second = (read(json.dumps(fields).encode(), RegistryName("main")).events for _ in range(2))

    assert (first, len(first)) == (second, 1)


@pytest.mark.parametrize("name", FORMATS)
def test_nested_as_deeply_as_can_just_be_parsed(name):
    """Near the limit of Python's parser a notification is read or rejected: it never stops the receiver."""
    read, fields = FORMATS[name]
    text = json.dumps(fields).replace(f'"{DIGEST}"', f'"{DIGEST}", "deep": HERE')

    def nested(depth):
        return text.replace("HERE", "[" * depth + "]" * depth).encode()

    def is_too_deep(depth):
        try:
            json.loads(nested(depth))
        except RecursionError:
            return True
        return False

    limit = bisect.bisect_left(range(100_000), True, key=is_too_deep)
    for depth in range(limit - 50, limit + 10):
        reading = read(nested(depth), RegistryName("main"))
        assert len(reading.events) + len(reading.rejected) == 1


def test_parse_json():
    """What is no JSON is said so in our own error."""
    assert parse_json(b'{"a": [1]}') == {"a": [1]}
    for body, expected in [(b"{", "no JSON"), (b"[" * 100_000, "nested too deeply")]:
        with pytest.raises(InvalidNotification, match=expected):
            parse_json(body)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], "event: expected an object, got list"),
        ({}, "event.name: missing"),
        ({"name": None}, "event.name: expected str, got NoneType"),
        ({"name": 5}, "event.name: expected str, got int"),
    ],
)
def test_need(fields, expected):
    """A field that must be there and is not, or is something else, is named with what was found."""
    with pytest.raises(InvalidNotification) as caught:
        need(fields, "name", str, "event")

    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "alice"}, "alice"),
        ({"name": "a\x1b[31m\n\u202eb\ud800"}, "a\ufffd[31m\ufffd\ufffdb\ufffd"),
        ({"name": "x" * 256}, "x" * 256),
        ({"name": "x" * 257}, "x" * 255 + "\ufffd"),
        ({"name": 5}, ""),
        ({}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_evidence(fields, expected):
    """What a client says of itself is a line that disturbs no terminal, or nothing; what is not shown leaves a mark."""
    assert evidence(fields, "name") == expected


def test_event_id():
    """An id is kept where it is a short word, and is what the event says where it is not."""
    assert event_id({"id": "a{b}"}) == "a{b}"
    assert event_id({"id": "a b", "x": 1}) == event_id({"x": 1, "id": "a b"})
    assert event_id({"id": "a b", "x": 1}) != event_id({"id": "a b", "x": 2})
