from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.names import Digest
from enforcer.policies.policy import Protection
from enforcer.times import Time
from tests.fakes.events import NAME, deletion, digest, push

TIME = Time("2026-11-22T04:06:40.594990671Z")
RECORD = Record(
    digest=digest(1),
    time=TIME,
    media_type="image",
    children=(digest(2), digest(3)),
    settles=TIME.plus(120),
    deleted=True,
)
PROTECTION = Protection(overwrite=True, delete=False, enforce=True, settle=0.5, policies=(1, 7))
DIGESTS = st.integers(0, 9).map(digest)
TIMES = st.integers(0, 2**60).map(Time.from_nanoseconds)
RECORDS = st.builds(
    Record,
    digest=DIGESTS,
    time=TIMES,
    media_type=st.sampled_from(["", "image"]),
    children=st.lists(DIGESTS, max_size=2).map(tuple),
    settles=st.none() | TIMES,
    deleted=st.booleans(),
)
PROTECTIONS = st.builds(
    Protection,
    overwrite=st.booleans(),
    delete=st.booleans(),
    enforce=st.booleans(),
    settle=st.sampled_from([0, 0.5, 120]),
    policies=st.lists(st.integers(1, 9), max_size=2).map(tuple),
)
IDS = st.text("ab{}|!~", min_size=1, max_size=3)
CHILDREN = st.lists(DIGESTS, max_size=1).map(tuple)
EVENTS = st.builds(push, IDS, DIGESTS, TIMES, children=CHILDREN) | st.builds(deletion, IDS, TIMES)
ENTRIES = st.builds(
    Entry, EVENTS, st.sampled_from(Decision), st.none() | PROTECTIONS, st.none() | RECORDS, late=st.booleans()
)


def test_violations():
    """Two decisions call for setting the registry right, the others do not."""
    assert [decision for decision in Decision if decision.is_violation] == [Decision.OVERWRITTEN, Decision.DELETED]


@pytest.mark.parametrize(("number", "needed"), [(1, True), (2, True), (3, True), (4, False)])
def test_digests(number, needed):
    """A tag breaks with its own manifest and with each child of its index."""
    assert (digest(number) in RECORD.digests) is needed


@given(record=RECORDS)
def test_record_round_trip(record):
    """Whatever a record holds, its JSON is read as the same record."""
    assert Record.from_dict(json.loads(json.dumps(record.as_dict()))) == record


def test_record_without_what_is_empty():
    """A plain record is its digest and its time."""
    plain = Record(digest=digest(1), time=TIME)

    assert plain.as_dict() == {"digest": digest(1), "time": "2026-11-22T04:06:40.594990671Z"}


def test_types_survive():
    """What is read again has its types again."""
    read = Record.from_dict(json.loads(json.dumps(RECORD.as_dict())))

    assert [type(value) for value in (read.digest, *read.children)] == [Digest, Digest, Digest]
    assert [type(value) for value in (read.time, read.settles)] == [Time, Time]


@given(entry=ENTRIES)
def test_entry_round_trip(entry):
    """Whatever an entry holds, its line is read as the same entry of that tag."""
    line = entry.to_json()

    assert Entry.from_json(line, NAME) == entry
    assert Entry.from_json(line.encode(), NAME) == entry
    assert "\n" not in line


@given(entry=ENTRIES)
def test_keys_of_a_later_release_are_ignored(entry):
    """An entry is read that has keys which this release does not know, at every depth."""
    fields = json.loads(entry.to_json())
    for each in (fields, *(value for value in fields.values() if isinstance(value, dict))):
        each["later"] = [1]

    assert Entry.from_json(json.dumps(fields), NAME) == entry


def test_entry_has_equal_children_once():
    """An index of 1,000 children that becomes the record takes their room once, and is read as it was."""
    children = tuple(map(digest, range(2, 12)))
    entry = Entry(push("index", digest(1), TIME, children=children), Decision.RECORDED, PROTECTION, None)
    whole = replace(entry, record=replace(RECORD, children=children))
    assert all(whole.to_json().count(child) == 1 for child in children)
    assert Entry.from_json(whole.to_json(), NAME) == whole


def test_entry_leaves_its_names_out():
    """Registry, repository and tag are known from the place where an entry is kept."""
    entry = Entry(push("e", digest(1), TIME), Decision.RECORDED, PROTECTION, RECORD)

    assert set(json.loads(entry.to_json())["event"]) == {"action", "time", "id", "digest"}
    assert Entry.from_json(entry.to_json(), replace(NAME, tag="2.0")).event.tag == "2.0"


@given(record=st.none() | RECORDS, last=st.tuples(TIMES.map(str), DIGESTS.map(str), st.text()), version=st.integers(0))
def test_standing_round_trip(record, last, version):
    """Whatever a standing holds, its line and its version are read as the same standing."""
    state = TagState(record, last, version)

    assert TagState.from_json(state.to_json(), version) == state
