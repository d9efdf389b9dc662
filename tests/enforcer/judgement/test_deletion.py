"""The deletions of digests, and the tags that they concern."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.arrival import Arrival
from enforcer.judgement.deletion import concerns_tag, deletions_of
from enforcer.judgement.record import Record, TagState
from enforcer.judgement.rules import judge_next
from enforcer.policies.policy import Protection
from enforcer.times import Time
from tests.fakes.events import NAME, deletion, digest, push

NOW = Time("2026-11-22T04:00:00Z")
A, B, C = digest(1), digest(2), digest(3)
PROTECTED = Protection(overwrite=True, delete=True, enforce=True, settle=0, policies=(1,))
STATE = TagState(Record(digest=A, time=NOW.plus(-60), children=(B,)))


def noted(*deletions):
    """Deletions of digests, as they are noted by digest."""
    by_digest = {}
    for event_id, gone, seconds in deletions:
        event = deletion(event_id, NOW.plus(seconds), tag=None, digest=gone)
        by_digest.setdefault(gone, []).append(Arrival(event, NOW.plus(100)).to_json())
    return by_digest


def ids(arrivals):
    return [arrival.event.id for arrival in arrivals]


@pytest.mark.parametrize(("gone", "concerned"), [(A, True), (B, True), (C, False)])
def test_only_a_needed_digest_concerns_a_tag(gone, concerned):
    """The recorded digest and its children concern the tag; the deletion of another one does not."""
    event = deletion("gone", NOW, digest=gone)

    assert concerns_tag(event, judge_next(event, STATE, PROTECTED)) is concerned


@pytest.mark.parametrize("event", [deletion("e", NOW), push("e", A, NOW)], ids=["deleted tag", "push"])
def test_an_event_of_the_tag_itself_concerns_it(event):
    """Whatever is decided of an event that names the tag, it belongs into the history."""
    judgement = judge_next(event, TagState(), None)

    assert concerns_tag(event, judgement)


def test_a_repeated_deletion_concerns_its_tag():
    """A deletion that is in the history already is told again, though it deletes nothing the second time."""
    event = deletion("gone", NOW, digest=C)
    judgement = judge_next(event, STATE, PROTECTED)

    assert concerns_tag(event, replace(judgement, repeated=True))


def test_deletions_of_what_a_tag_needs():
    """They come in the order of their times, as deletions of the tag; other digests are left out."""
    found = deletions_of(NAME.tag, {A, B}, noted(("late", A, 2), ("other", C, 1), ("early", B, 0)), ())

    assert ids(found) == ["early", "late"]
    assert {each.event.tag for each in found} == {NAME.tag}


def test_known_deletions_are_left_out():
    """A deletion that was judged already is not judged again."""
    deleted = noted(("old", A, 0), ("new", A, 1))

    assert ids(deletions_of(NAME.tag, {A}, deleted, {"old"})) == ["new"]
