"""The rules, one test each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import Action
from enforcer.judgement.record import Decision, Record, TagState
from enforcer.judgement.rules import judge, judge_next
from enforcer.policies.policy import Protection
from enforcer.times import Time
from tests.fakes.events import BUILD, build_index, deletion, digest, push

A, B, C, INDEX = digest(1), digest(2), digest(3), digest(9)
PROTECTED = Protection(overwrite=True, delete=True, enforce=True, settle=120, policies=(1,))
RECORD = Record(digest=A, time=Time("2026-11-22T04:00:00Z"), media_type="image")
SETTLING = replace(RECORD, settles=Time("2026-11-22T04:02:00Z"), client="ci@192.0.2.7")


def approve(event_id, digest, time):
    """An operator approved a digest that the registry did not have yet."""
    return replace(push(event_id, digest, time), action=Action.APPROVE)


def at(seconds):
    """Seconds after the record was made."""
    return RECORD.time.plus(seconds)


def decisions(judgement):
    return [(entry.event.id, entry.decision) for entry in judgement.entries]


@pytest.mark.parametrize("record", [None, RECORD, SETTLING])
@pytest.mark.parametrize("protection", [None, replace(PROTECTED, overwrite=False)])
def test_rule_2_moved(record, protection):
    """Not protected, no record or an older one: the record follows."""
    event = push("e", B, at(60), media_type="index", children=(A, C))

    decision, after = judge(event, record, protection)

    assert decision is Decision.MOVED
    assert after == Record(digest=B, time=at(60), media_type="index", children=(A, C))


def test_record_names_who_made_it():
    """The first push of the digest, and what its client claims: the same again by another one changes nothing of it."""
    _, first = judge(replace(push("e", A, at(0)), actor="ann", address="192.0.2.1:1"), None, PROTECTED)
    _, after = judge(replace(push("again", A, at(1)), actor="mallory"), first, PROTECTED)

    for record in (first, after):
        assert (record.event, record.actor, record.address) == ("e", "ann", "192.0.2.1:1")
        kept = Record.from_dict(record.as_dict())
        assert (kept.event, kept.actor, kept.address) == ("e", "ann", "192.0.2.1:1")


def test_rule_4_recorded():
    """Protected, no record: this digest is the original, settling for as long as the policy says."""
    decision, after = judge(push("e", A, at(0), media_type="image", **BUILD), None, PROTECTED)

    assert (decision, after) == (Decision.RECORDED, SETTLING)


@pytest.mark.parametrize("protection", [None, PROTECTED])
@pytest.mark.parametrize("record", [RECORD, SETTLING, replace(RECORD, deleted=True)])
def test_rule_5_unchanged(record, protection):
    """The same digest as the record: no violation, and a deleted tag is there again."""
    decision, after = judge(push("e", A, at(60)), record, protection)

    assert (decision, after) == (Decision.UNCHANGED, replace(record, deleted=False))


@pytest.mark.parametrize("protection", [None, PROTECTED])
def test_rule_5_completed(protection):
    """What no event had told of the recorded manifest is added, also below its children; what is known stays."""
    told = push("e", A, at(60), media_type="index", children=(B, C))

    _, after = judge(told, replace(RECORD, media_type="", children=()), protection)
    _, known = judge(told, replace(RECORD, media_type="list", children=(C,)), protection)

    assert after == replace(RECORD, media_type="index", children=(B, C))
    assert (known.media_type, known.children) == ("list", (C, B))


@pytest.mark.parametrize("seconds", [0, 60, 120])
def test_rule_6_superseded(seconds):
    """Protected, settling, and the new manifest is an index that lists the recorded digest: the index is recorded."""
    index = build_index("e", INDEX, at(seconds), (B, A), media_type="index")

    decision, after = judge(index, SETTLING, PROTECTED)

    assert decision is Decision.SUPERSEDED
    assert after == replace(SETTLING, digest=INDEX, time=at(seconds), media_type="index", children=(B, A))


@pytest.mark.parametrize(
    ("record", "seconds", "children"),
    [(SETTLING, 120.000000001, (A,)), (SETTLING, 60, (B, C)), (SETTLING, 60, ()), (RECORD, 60, (A,))],
    ids=["too late", "does not list it", "no index", "not settling"],
)
def test_rule_6_needs_all_three(record, seconds, children):
    """An index that comes after settling, or does not list the record, or meets a settled record, is a violation."""
    index = build_index("e", INDEX, at(seconds), children)

    assert judge(index, record, PROTECTED) == (Decision.OVERWRITTEN, record)


def test_rule_6_ends_with_settling():
    """An index of the index may supersede it in turn, but no later than anything else."""
    _, record = judge(build_index("e", INDEX, at(60), (A,)), SETTLING, PROTECTED)

    assert judge(build_index("f", B, at(120), (INDEX,)), record, PROTECTED)[0] is Decision.SUPERSEDED
    assert judge(build_index("f", B, at(121), (INDEX,)), record, PROTECTED) == (Decision.OVERWRITTEN, record)


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": "mallory"},
        {"address": "203.0.113.66:4711"},
        {"pushed": ()},
        {"pushed": ((B, RECORD.time.plus(-1)),)},
        {"pushed": ((C, RECORD.time),)},
    ],
    ids=["other actor", "other host", "child of another client", "child from before", "another child"],
)
def test_rule_6_needs_one_client(changes):
    """An index by another client, or with a child that its client did not push since the first push: a violation."""
    index = build_index("e", INDEX, at(60), (A, B), **changes)

    assert judge(index, SETTLING, PROTECTED) == (Decision.OVERWRITTEN, SETTLING)


def test_rule_6_needs_a_claim():
    """Clients that claim nothing are not known to be one."""
    unnamed = {"actor": "", "address": ""}
    _, record = judge(push("e", A, at(0), **unnamed), None, PROTECTED)

    assert judge(build_index("f", INDEX, at(1), (A,), **unnamed), record, PROTECTED) == (Decision.OVERWRITTEN, record)


def test_rule_6_without_settle():
    """By default an index is an overwrite like all others, whoever pushes it and what it lists."""
    _, record = judge(push("e", A, at(0), **BUILD), None, replace(PROTECTED, settle=0))

    index = build_index("f", INDEX, at(0), (A, B))
    assert judge(index, record, replace(PROTECTED, settle=0)) == (Decision.OVERWRITTEN, record)


@pytest.mark.parametrize(
    ("pushed", "seconds", "decision"),
    [(B, 120, Decision.PART), (A, 120, Decision.PART), (C, 120, Decision.OVERWRITTEN), (B, 10**6, Decision.PART)],
)
def test_rule_6a_part_after_its_index(pushed, seconds, decision):
    """A child of the recorded index is a part of it, whenever it is pushed; another manifest is not."""
    record = replace(SETTLING, digest=INDEX, children=(A, B), deleted=True)

    assert judge(push("e", pushed, at(seconds)), record, PROTECTED) == (decision, replace(record, deleted=False))


def test_rule_8_approved_before():
    """A digest that an operator approved becomes the record when it is pushed, and that only once."""
    noted, expecting = judge(approve("e", B, at(60)), SETTLING, PROTECTED)
    assert (noted, expecting) == (Decision.NOTED, replace(SETTLING, approved=B))

    decision, record = judge(push("f", B, at(61)), expecting, PROTECTED)

    assert (decision, record) == (Decision.APPROVED, Record(digest=B, time=at(61)))
    assert judge(push("g", A, at(62)), record, PROTECTED)[0] is Decision.OVERWRITTEN


def test_rule_8_approves_no_other():
    """Whoever pushes another digest than the one that was approved overwrites the tag; the approval stays."""
    record = replace(SETTLING, approved=B)

    assert judge(push("e", C, at(60)), record, PROTECTED) == (Decision.OVERWRITTEN, record)


@pytest.mark.parametrize("record", [None, SETTLING, replace(SETTLING, deleted=True)])
def test_rule_8_nothing_to_approve(record):
    """Approving what is recorded, or where nothing is, changes nothing: it pushes no tag that was deleted."""
    assert judge(approve("e", A, at(60)), record, PROTECTED) == (Decision.NOTED, record)


@pytest.mark.parametrize("protection", [None, PROTECTED])
@pytest.mark.parametrize("record", [None, RECORD, SETTLING])
def test_rule_8_approved_after(record, protection):
    """A digest that is in the registry already becomes the record as soon as an operator wants it."""
    adopted = replace(push("e", B, at(60), media_type="image"), action=Action.ADOPT)

    assert judge(adopted, record, protection) == (
        Decision.APPROVED,
        Record(digest=B, time=at(60), media_type="image"),
    )


def test_rule_9_overwritten():
    """Protected, other digest: a violation, and the record stays."""
    for record in (RECORD, SETTLING):
        assert judge(push("e", B, at(60)), record, PROTECTED) == (Decision.OVERWRITTEN, record)


def test_rule_9_after_a_deletion():
    """A deleted tag that is pushed again with another digest is there again: deleting that is the next violation."""
    deleted = replace(RECORD, deleted=True)

    assert judge(push("e", B, at(60)), deleted, PROTECTED) == (Decision.OVERWRITTEN, RECORD)
    assert judge(deletion("f", at(61)), RECORD, PROTECTED) == (Decision.DELETED, deleted)


def test_rule_10_deleted():
    """Protected, tag deleted: a violation, and the record stays."""
    assert judge(deletion("e", at(60)), RECORD, PROTECTED) == (Decision.DELETED, replace(RECORD, deleted=True))


@pytest.mark.parametrize(("gone", "violates"), [(INDEX, True), (A, True), (B, True), (C, False)])
def test_rule_10_digest(gone, violates):
    """Protected, and the recorded digest or a child of its index is deleted: a violation; of another digest: none."""
    record = Record(digest=INDEX, time=at(0), children=(A, B))

    decision, after = judge(deletion("e", at(60), digest=gone), record, PROTECTED)

    assert (decision is Decision.DELETED, after.deleted) == (violates, violates)
    assert decision is (Decision.DELETED if violates else Decision.UNCHANGED)


def test_rule_10_once():
    """The tag of a deleted digest is announced as well: what is gone cannot be deleted again."""
    record = replace(RECORD, deleted=True)

    assert judge(deletion("e", at(60)), record, PROTECTED) == (Decision.UNCHANGED, record)


def test_rule_10_nothing_recorded():
    """Where nothing is recorded, nothing is lost."""
    assert judge(deletion("e", at(60)), None, PROTECTED) == (Decision.UNCHANGED, None)


@pytest.mark.parametrize("protection", [None, replace(PROTECTED, delete=False)])
def test_rule_11_removed(protection):
    """Not protected against deletion, deleted: the record goes, the history keeps a tombstone."""
    assert judge(deletion("e", at(60)), RECORD, protection) == (Decision.REMOVED, None)


def test_protected_only_against_deletion():
    """A policy without `overwrite` lets the record follow and still guards it against deletion."""
    protection = replace(PROTECTED, overwrite=False)
    decision, record = judge(push("e", B, at(60)), RECORD, protection)

    assert decision is Decision.MOVED
    assert judge(deletion("f", at(61)), record, protection)[0] is Decision.DELETED


def test_next():
    """The newest event needs no history: it moves the end of the order and counts a version."""
    state = TagState(RECORD, push("d", A, at(0)).order, 7)
    event = push("e", B, at(60))

    judgement = judge_next(event, state, PROTECTED)

    assert judgement.state == TagState(RECORD, event.order, 8)
    assert decisions(judgement) == [("e", Decision.OVERWRITTEN)]
    assert judgement.entries[0].protection == PROTECTED
    assert not judgement.repeated
