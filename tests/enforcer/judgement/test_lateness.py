"""What comes of events that are late, too late or repeated: rules 3 and 7, and the parts that precede their index.

That the order of arrival does not matter is tested in tests/worker/test_order_of_arrival.py, through the ledger.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from enforcer.judgement.arrival import Arrival
from enforcer.judgement.lateness import is_too_late, judge_late, needs_history
from enforcer.judgement.record import Decision, Record, TagState
from enforcer.judgement.rules import judge_next
from enforcer.policies.policy import Protection
from enforcer.times import Time
from tests.fakes import events
from tests.fakes.events import build_index, deletion, digest

A, B, C, INDEX = digest(1), digest(2), digest(3), digest(9)
PROTECTED = Protection(overwrite=True, delete=True, enforce=True, settle=120, policies=(1,))
RECORD = Record(digest=A, time=Time("2026-11-22T04:00:00Z"), media_type="image")
SETTLING = replace(RECORD, settles=Time("2026-11-22T04:02:00Z"), client="ci@192.0.2.7")

push = partial(events.push, **events.BUILD)


def at(seconds):
    """Seconds after the record was made."""
    return RECORD.time.plus(seconds)


def history(*steps):
    """The standing and the history that events make which come in their order, each with its protection."""
    state, entries = TagState(), []
    for event, protection in steps:
        judgement = judge_next(event, state, protection)
        state = judgement.state
        entries += judgement.entries
    return state, entries


def decisions(judgement):
    return [(entry.event.id, entry.decision) for entry in judgement.entries]


def test_rule_3_noted():
    """Not protected, event older than the record: history only."""
    state, entries = history((push("new", B, at(60)), None))

    judgement = judge_late(push("old", A, at(0)), state, None, entries)

    assert decisions(judgement) == [("old", Decision.NOTED), ("new", Decision.MOVED)]
    assert judgement.state == replace(state, version=2)


def test_rule_5_earlier_time():
    """The same digest as the record at an earlier time: that becomes the record's time, and settling ends earlier."""
    state, entries = history((push("new", A, at(60)), PROTECTED))

    judgement = judge_late(push("old", A, at(0)), state, PROTECTED, entries)

    assert judgement.state.record == replace(SETTLING, media_type="")
    assert decisions(judgement) == [("old", Decision.CORRECTED), ("new", Decision.UNCHANGED)]


def test_rule_6_parts_before_their_index():
    """What seemed to overwrite the first child becomes a part when the index lists it too; nothing else does."""
    state, entries = history(
        (push("1", A, at(0)), PROTECTED), (push("2", B, at(1)), PROTECTED), (push("3", C, at(2)), PROTECTED)
    )
    index = build_index("4", INDEX, at(3), (A, B))

    judgement = judge_late(index, state, PROTECTED, entries)

    assert decisions(judgement) == [("4", Decision.SUPERSEDED), ("2", Decision.PART)]
    assert judgement.entries[1] == replace(entries[1], decision=Decision.PART)
    assert judgement.state.record.digest == INDEX


def test_rule_6_parts_of_another_build():
    """An index explains nothing that overwrote what was recorded before its own first child."""
    state, entries = history(
        (push("1", C, at(0)), PROTECTED),
        (push("2", B, at(1)), PROTECTED),
        (deletion("3", at(2)), None),
        (push("4", A, at(3)), PROTECTED),
    )
    assert [entry.decision.value for entry in entries] == ["recorded", "overwritten", "removed", "recorded"]

    judgement = judge_late(build_index("5", INDEX, at(4), (A, B)), state, PROTECTED, entries)

    assert decisions(judgement) == [("5", Decision.SUPERSEDED)]


def test_rule_6_no_part_any_more():
    """A part whose index turns out to have superseded nothing is the violation again that it was."""
    state, entries = history((push("1", A, at(0)), PROTECTED), (push("2", B, at(1)), PROTECTED))
    index = judge_late(build_index("4", INDEX, at(3), (A, B)), state, PROTECTED, entries)
    entries = [entries[0], index.entries[1], index.entries[0]]
    assert [entry.decision.value for entry in entries] == ["recorded", "part", "superseded"]

    judgement = judge_late(push("3", C, at(2)), index.state, None, entries)

    assert decisions(judgement) == [
        ("3", Decision.NOTED),
        ("4", Decision.OVERWRITTEN),
        ("2", Decision.OVERWRITTEN),
    ]
    assert judgement.state.record.digest == C


def test_rule_6_repeated():
    """An index that comes again, as after a crash, tells again what became its parts."""
    state, entries = history((push("1", A, at(0)), PROTECTED), (push("2", B, at(1)), PROTECTED))
    event = build_index("3", INDEX, at(2), (A, B))
    index = judge_late(event, state, PROTECTED, entries)

    again = judge_late(event, index.state, PROTECTED, [entries[0], index.entries[1], index.entries[0]])

    assert again == replace(index, repeated=True)


@pytest.mark.parametrize(
    ("event", "state", "needed"),
    [
        (push("e", B, at(60)), TagState(SETTLING, (at(0), A, "d"), 1), False),
        (build_index("e", INDEX, at(60), (A,)), TagState(SETTLING, (at(0), A, "d"), 1), True),
        (build_index("e", INDEX, at(60), (A,)), TagState(RECORD, (at(0), A, "d"), 1), False),
        (build_index("e", INDEX, at(60), (B,)), TagState(SETTLING, (at(0), A, "d"), 1), False),
        (build_index("e", INDEX, at(60), (A,)), TagState(), False),
        (push("e", B, at(0)), TagState(RECORD, (at(0), A, "d"), 1), False),
        (push("d", A, at(0)), TagState(RECORD, (at(0), A, "d"), 1), True),
        (push("e", A, at(0)), TagState(RECORD, (at(0), B, "d"), 1), True),
        (deletion("e", at(0)), TagState(RECORD, (at(0), A, "d"), 1), True),
    ],
)
def test_what_needs_the_history(event, state, needed):
    """Only what is not the newest, or what may explain earlier events, takes more than the record."""
    assert needs_history(event, state) is needed


def test_rule_7_corrected():
    """Protected, older than the record, other digest: it is the original, and what was recorded is a violation."""
    state, entries = history((push("new", B, at(60)), PROTECTED))

    judgement = judge_late(push("old", A, at(0), media_type="image"), state, PROTECTED, entries)

    assert decisions(judgement) == [("old", Decision.CORRECTED), ("new", Decision.OVERWRITTEN)]
    assert judgement.state.record == SETTLING
    assert [entry.record for entry in judgement.entries] == [SETTLING, SETTLING]


def test_rule_7_withdrawn():
    """A violation whose digest turns out to be the original is none any more."""
    state, entries = history((push("1", B, at(60)), PROTECTED), (push("2", A, at(90)), PROTECTED))
    assert entries[1].decision is Decision.OVERWRITTEN

    judgement = judge_late(push("0", A, at(0)), state, PROTECTED, entries)

    assert decisions(judgement) == [
        ("0", Decision.CORRECTED),
        ("1", Decision.OVERWRITTEN),
        ("2", Decision.UNCHANGED),
    ]


def test_late_between():
    """A late event takes its place: what came before stands, what follows is judged again with its own protection."""
    state, entries = history(
        (push("1", A, at(0)), PROTECTED), (push("3", B, at(20)), None), (push("4", C, at(30)), PROTECTED)
    )
    assert state.record.digest == B

    judgement = judge_late(deletion("2", at(10)), state, None, entries)

    assert decisions(judgement) == [("2", Decision.REMOVED), ("3", Decision.MOVED), ("4", Decision.OVERWRITTEN)]
    assert (judgement.state.record.digest, judgement.state.version) == (B, 4)


def test_late_deletion():
    """A deletion that comes after the push that undid it is still a violation, and the tag is not gone."""
    state, entries = history((push("1", A, at(0)), PROTECTED), (push("3", A, at(20)), PROTECTED))

    judgement = judge_late(deletion("2", at(10)), state, PROTECTED, entries)

    assert decisions(judgement) == [("2", Decision.DELETED), ("3", Decision.UNCHANGED)]
    assert not judgement.state.record.deleted


def test_late_push_before_a_deletion():
    """A deletion that came before anything was recorded becomes a violation when the original arrives."""
    state, entries = history((deletion("2", at(10)), PROTECTED))
    assert entries[0].decision is Decision.UNCHANGED

    judgement = judge_late(push("1", A, at(0)), state, PROTECTED, entries)

    assert decisions(judgement) == [("1", Decision.CORRECTED), ("2", Decision.DELETED)]
    assert judgement.state.record.deleted


def test_late_push_that_is_settled_again():
    """An index that superseded a record does so only while the record that it finds now still settles."""
    index = push("index", INDEX, at(150), children=(A,))
    state, entries = history((push("child", A, at(60)), PROTECTED), (index, PROTECTED))
    assert entries[1].decision is Decision.SUPERSEDED

    judgement = judge_late(push("first", A, at(0)), state, PROTECTED, entries)

    assert decisions(judgement)[1:] == [("child", Decision.UNCHANGED), ("index", Decision.OVERWRITTEN)]
    assert judgement.state.record.digest == A


def test_equal_times():
    """Of two pushes at the same time the smaller digest is the original, whichever comes first."""
    for first, second in [(A, B), (B, A)]:
        state, entries = history((push(first[-1], first, at(0)), PROTECTED))
        late = push(second[-1], second, at(0))
        if late.order > state.last:
            after = judge_next(late, state, PROTECTED).state
        else:
            after = judge_late(late, state, PROTECTED, entries).state
        assert after.record.digest == A


def test_repeated():
    """The same event again changes nothing, and tells again all that was decided since."""
    state, entries = history(
        (push("1", A, at(0)), PROTECTED), (push("2", B, at(10)), PROTECTED), (deletion("3", at(20)), PROTECTED)
    )

    judgement = judge_late(entries[1].event, state, PROTECTED, entries)

    assert judgement.repeated
    assert judgement.state == state
    assert judgement.entries == tuple(entries[1:])


def test_repeated_tells_nothing_older():
    """Violations that no index explains any more are not told again with what came after them."""
    state, entries = history(
        (push("1", A, at(0)), PROTECTED), (push("2", B, at(121)), PROTECTED), (push("3", C, at(122)), PROTECTED)
    )

    assert judge_late(entries[2].event, state, PROTECTED, entries).entries == (entries[2],)


@pytest.mark.parametrize("too_late", [False, True])
def test_repeated_with_another_time(too_late):
    """An event is known by its id, whatever its time is taken for, and even when it is too late by then."""
    state, entries = history((push("1", A, at(0)), None), (push("2", B, at(10)), None))

    judgement = judge_late(push("1", A, at(5)), state, None, entries, too_late=too_late)

    assert (judgement.repeated, judgement.state) == (True, state)


@pytest.mark.parametrize(
    ("event", "protection", "decision"),
    [
        (push("e", B, at(-900)), PROTECTED, Decision.OVERWRITTEN),
        (push("e", A, at(-900)), PROTECTED, Decision.UNCHANGED),
        (push("e", B, at(-900)), None, Decision.NOTED),
        (push("e", INDEX, at(-900), children=(A,)), PROTECTED, Decision.NOTED),
        (deletion("e", at(-900)), PROTECTED, Decision.UNCHANGED),
        (deletion("e", at(1)), PROTECTED, Decision.DELETED),
        (deletion("e", at(1)), None, Decision.NOTED),
    ],
)
def test_too_late(event, protection, decision):
    """Too late to be the original, or to move a record, an event is still evidence of a violation."""
    state, entries = history((push("1", A, at(0)), PROTECTED))

    judgement = judge_late(event, state, protection, entries, too_late=True)

    assert decisions(judgement) == [("e", decision)]
    assert judgement.entries[0].late
    assert judgement.state == replace(state, version=2)


def test_too_late_takes_no_part():
    """An entry that came too late is passed over when others are put into their places."""
    state, entries = history((push("2", B, at(100)), PROTECTED))
    evidence = judge_late(push("0", C, at(-900)), state, PROTECTED, entries, too_late=True)

    judgement = judge_late(push("1", A, at(0)), evidence.state, PROTECTED, [*evidence.entries, *entries])

    assert decisions(judgement) == [("1", Decision.CORRECTED), ("2", Decision.OVERWRITTEN)]
    assert judgement.state.record.digest == A


@pytest.mark.parametrize(
    ("seconds", "after", "cut_off", "too_late"),
    [
        (61, 10**6, False, False),
        (0, 600, False, False),
        (0, 600.000000001, False, True),
        (-1, 1, False, False),
        (-1, 1, True, True),
        (15, 1, True, True),
        (30, 1, True, False),
    ],
    ids=[
        "newest",
        "in the window",
        "after it",
        "oldest",
        "before a full history",
        "after the oldest of a full history, which may be kept alone",
        "inside a full history",
    ],
)
def test_is_too_late(seconds, after, cut_off, too_late):
    """The newest event never is; another one is after the window, or before all that a full history still holds."""
    pushes = (push("1", A, at(0)), push("2", B, at(20)), push("3", B, at(60)))
    _, entries = history(*((each, PROTECTED) for each in pushes))
    arrival = Arrival(push("2", C, at(seconds)), at(seconds).plus(after))

    assert is_too_late(arrival, entries, 600, cut_off=cut_off) is too_late


def test_evidence_is_no_place():
    """A history of nothing but late entries knows no record of any time."""
    _, entries = history((push("1", A, at(0)), PROTECTED))
    arrival = Arrival(push("2", C, at(10)), at(11))

    assert is_too_late(arrival, [replace(entries[0], late=True)], 600, cut_off=False)
