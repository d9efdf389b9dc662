from __future__ import annotations

from enforcer.judgement.history import newest_first, replaced_digest
from enforcer.judgement.record import Decision, Entry, Record
from enforcer.policies.policy import Protection
from enforcer.times import Time
from tests.fakes.events import deletion, digest, push

START = Time("2026-11-22T04:00:00Z")
A, B = digest(1), digest(2)
PROTECTED = Protection(overwrite=True, delete=True, enforce=True, settle=0, policies=(3, 7))


def at(seconds):
    return START.plus(seconds)


def record(pushed):
    return Record(digest=pushed, time=START)


def test_the_newest_comes_first():
    """Each entry is one line, with what was pushed."""
    entries = [
        Entry(push("one", A, at(0)), Decision.RECORDED, PROTECTED, record(A)),
        Entry(push("two", B, at(1)), Decision.OVERWRITTEN, PROTECTED, record(A)),
    ]
    assert [(line.entry.event.id, line.digest) for line in newest_first(entries)] == [("two", B), ("one", A)]


def test_a_deletion_has_the_digest_that_the_tag_had():
    """That is what was recorded before it; what came too late, and was never the record, does not count."""
    entries = [
        Entry(push("one", A, at(0)), Decision.MOVED, None, record(A)),
        Entry(push("late", B, at(1)), Decision.NOTED, None, record(B), late=True),
        Entry(deletion("gone", at(2)), Decision.REMOVED, None, None),
        Entry(deletion("again", at(3)), Decision.UNCHANGED, None, None),
    ]
    assert [line.digest for line in newest_first(entries)] == [None, A, B, A]


def test_the_deletion_of_a_digest_has_that():
    """Where the event names a digest, as that of a child of an index, that is what was deleted."""
    entries = [
        Entry(push("one", A, at(0)), Decision.RECORDED, PROTECTED, record(A)),
        Entry(deletion("child", at(1), digest=B), Decision.DELETED, PROTECTED, record(A)),
    ]
    assert newest_first(entries)[0].digest == B


def test_as_dict():
    """For programs a line has all that is known, in plain values; what is not known is empty or null."""
    event = push("one", A, at(0), actor="ci", address="192.0.2.1:5", user_agent="buildkit", media_type="image")
    (line,) = newest_first([Entry(event, Decision.RECORDED, PROTECTED, record(A))])
    assert line.as_dict() == {
        "id": "one",
        "time": at(0),
        "action": "push",
        "digest": A,
        "media_type": "image",
        "actor": "ci",
        "address": "192.0.2.1:5",
        "user_agent": "buildkit",
        "reason": "",
        "decision": "recorded",
        "policies": [3, 7],
        "bypassed": [],
        "recorded": A,
        "late": False,
    }
    (gone,) = newest_first([Entry(deletion("gone", at(2)), Decision.REMOVED, None, None)])
    assert (gone.as_dict()["recorded"], gone.as_dict()["policies"], gone.as_dict()["digest"]) == (None, [], None)


def test_what_a_correction_replaces():
    """The push that came first until then; an earlier push of the same digest replaces nothing."""
    old = Entry(push("old", A, at(0)), Decision.CORRECTED, PROTECTED, record(A))
    other = Entry(push("new", B, at(1)), Decision.OVERWRITTEN, PROTECTED, record(A))
    same = Entry(push("new", A, at(1)), Decision.UNCHANGED, PROTECTED, record(A))
    assert replaced_digest(old, [other, old]) == B
    assert replaced_digest(old, [same, old]) is None


def test_what_an_index_replaces():
    """What was recorded before it, whatever was pushed meanwhile."""
    first = Entry(push("1", A, at(0)), Decision.RECORDED, PROTECTED, record(A))
    part = Entry(push("2", digest(3), at(1)), Decision.PART, PROTECTED, record(A))
    late = Entry(push("3", digest(4), at(2)), Decision.NOTED, None, record(digest(4)), late=True)
    index = Entry(push("4", B, at(3)), Decision.SUPERSEDED, PROTECTED, record(B))
    assert replaced_digest(index, [first, part, late, index]) == A
    assert replaced_digest(index, [index]) is None
