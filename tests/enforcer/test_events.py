from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.errors import InvalidName
from enforcer.events import Action, Event, fingerprint, host_of
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.times import Time
from tests.fakes.events import BUILD, digest, push

A = Digest("sha256:" + "a" * 64)
B = Digest("sha512:" + "b" * 128)
TIMES = st.integers(0, 2**60).map(Time.from_nanoseconds)
DIGESTS = st.binary(max_size=2).map(Digest.of)
EVENTS = st.builds(
    Event,
    registry=st.sampled_from(["main", "mirror"]).map(RegistryName),
    action=st.sampled_from(Action),
    repository=st.sampled_from(["app", "team/app/web"]).map(Repository),
    time=TIMES,
    id=st.text("ab{}|!~", min_size=1, max_size=5),
    tag=st.none() | st.sampled_from(["1.0", "_"]).map(Tag),
    digest=st.none() | DIGESTS,
    media_type=st.text(max_size=5),
    children=st.lists(DIGESTS, max_size=3).map(tuple),
    actor=st.text(max_size=5),
    address=st.text(max_size=5),
    user_agent=st.text(max_size=5),
    reason=st.text(max_size=5),
).filter(lambda event: event.digest is not None or (event.tag is not None and event.action is Action.DELETE))


def event(**changes):
    fields = {"registry": RegistryName("main"), "action": Action.PUSH, "repository": Repository("team/app"), "id": "1"}
    return Event(**fields | {"time": Time("2026-11-22T04:06:40Z")} | changes)


@given(original=EVENTS)
def test_round_trip(original):
    """Whatever an event holds, its line of JSON is read as the same event."""
    line = original.to_json()

    assert Event.from_json(line) == original
    assert Event.from_json(line.encode()) == original
    assert "\n" not in line


def test_types_survive():
    """What is read again has its types again, so that its names and times can be asked."""
    read = Event.from_json(event(tag=Tag("1.0"), digest=A, children=(A, B)).to_json())

    assert [type(value) for value in (read.registry, read.repository, read.time)] == [RegistryName, Repository, Time]
    assert [type(value) for value in (read.action, read.tag, read.digest, *read.children)] == [
        Action,
        Tag,
        *[Digest] * 3,
    ]


def test_empty_fields_take_no_room():
    """The log holds what an event says and no more."""
    assert json.loads(event(action=Action.DELETE, tag=Tag("1.0")).to_json()) == {
        "registry": "main",
        "action": "delete",
        "repository": "team/app",
        "time": "2026-11-22T04:06:40.000000000Z",
        "id": "1",
        "tag": "1.0",
    }


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "{}", '{"registry": "main"}'])
def test_no_event(text):
    """What is no event is refused with one of three errors."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Event.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [{"registry": "A"}, {"repository": "A"}, {"tag": "-"}, {"digest": "a"}, {"time": "now"}, {"children": ["a"]}],
)
def test_names_are_checked_again(changes):
    """A wrong name in the log is found when it is read."""
    with pytest.raises(InvalidName):
        Event.from_dict(event(tag=Tag("1.0"), digest=A).as_dict() | changes)


@pytest.mark.parametrize("wrong", [None, 5, "", "a b", "a\n", "\N{SNOWMAN}", "x" * 129, ["a"]])
def test_no_id(wrong):
    """An id is a short word: it stands between blanks in the ledger."""
    with pytest.raises(ValueError, match="is no id of an event"):
        Event.from_dict(event(tag=Tag("1.0"), digest=A).as_dict() | {"id": wrong})


@pytest.mark.parametrize("name", ["media_type", "actor", "address", "user_agent", "reason"])
def test_no_text(name):
    """What a client says of itself is text or nothing."""
    with pytest.raises(TypeError, match=f"{name} is int, not text"):
        Event.from_dict(event(tag=Tag("1.0"), digest=A).as_dict() | {name: 5})


@pytest.mark.parametrize(
    ("action", "tag", "digest", "complete"),
    [
        ("push", "1.0", A, True),
        ("push", "1.0", None, False),
        ("approve", "1.0", None, False),
        ("delete", "1.0", None, True),
        ("delete", None, A, True),
        ("delete", None, None, False),
    ],
)
def test_what_an_event_must_name(action, tag, digest, complete):
    """Only the deletion of a tag names no digest."""
    fields = {"action": action, "tag": tag, "digest": digest}
    given = event().as_dict() | {name: value for name, value in fields.items() if value}

    if complete:
        assert Event.from_dict(given).digest == digest
    else:
        with pytest.raises(ValueError, match=f"a {action} without a digest"):
            Event.from_dict(given)


def test_unknown_action():
    """An action that changes no tag is no event's."""
    with pytest.raises(ValueError, match="pull"):
        Event.from_dict(event().as_dict() | {"action": "pull"})


def test_tag_name():
    """An event with a tag is about that tag of its registry; one without is about none."""
    assert event(tag=Tag("1.0")).tag_name == TagName.parse("main/team/app:1.0")
    assert event(digest=A).tag_name is None


def test_order():
    """Events of a tag follow each other by time, then digest, then id; a deletion comes first."""
    later = Time("2026-11-22T04:06:40.000000001Z")
    in_order = [
        event(action=Action.DELETE, id="8", digest=B),
        event(action=Action.DELETE, id="9"),
        event(digest=A, id="3"),
        event(digest=A, id="4"),
        event(digest=B, id="1"),
        event(digest=A, id="0", time=later),
    ]

    arrived = in_order[::-1]
    arrived.sort(key=lambda event: event.order)

    assert arrived == in_order


def test_fingerprint():
    """Equal facts have equal fingerprints, in whatever run, and others have others."""
    assert fingerprint({"a": 1}, "b") == "459ff8feec8357fd16dde211497c4060"
    assert fingerprint({"a": 1}, "b") != fingerprint({"a": 1, "b": None})
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint("\ud800") == fingerprint("\ud800")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7:4711", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("", ""),
    ],
)
def test_host(address, host):
    """Behind a proxy the address has no port; each request of a client comes from another one."""
    assert host_of(address) == host


def test_client():
    """A client is known by its name and its host; one that claims neither is not known."""
    event = push("e", digest(1), **BUILD)
    assert event.client == replace(event, address="192.0.2.7:5", user_agent="other").client
    assert len({event.client, replace(event, actor="").client, replace(event, address="192.0.2.8:4711").client}) == 3
    assert push("e", digest(1)).client == ""
