"""What `Judge` makes of batches. That the order of arrival does not matter is tested in test_order_of_arrival.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import Action
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision, Record, TagState
from enforcer.names import Namespace, RegistryName, Repository, Tag
from enforcer.policies.policy import Against, Policy, Selector
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import DELETIONS, DELETIONS_SECONDS, Change, Ledger
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, deletion, digest, push
from worker.judging.judge import ROUNDS, Judge

START = Time("2026-11-22T04:00:00Z")
A, B, C, INDEX = digest(1), digest(2), digest(3), digest(9)
PROTECTED = PolicySet(
    [
        Policy(
            id=1,
            registry=MAIN,
            namespace=Namespace("team"),
            repositories=Selector.from_dict({"decoration": "repoMatches", "pattern": "**"}),
            tags=Selector.from_dict({"decoration": "excludes", "pattern": "latest"}),
            settle=120,
            effective_since=Time("2026-01-01T00:00:00Z"),
        )
    ]
)
LATEST = replace(NAME, tag=Tag("latest"))


@pytest.fixture
def ledger(redis):
    return Ledger(redis)


@pytest.fixture
def judge(ledger):
    """Judges events that were accepted a second after the latest of them, or when a test says."""

    def judge(*events, arrived=None, ledger=ledger, late_window=600):
        accepted = arrived or max(event.time for event in events).plus(1)
        cases = [Arrival(event, accepted) for event in events]
        return list(Judge(ledger, PROTECTED, late_window).judge(cases))

    return judge


def at(seconds):
    return START.plus(seconds)


def tag(name):
    return replace(NAME, tag=Tag(name))


def decided(ledger, name=NAME):
    return [(entry.event.id, entry.decision) for entry in ledger.history(name)]


def delete_digest(event_id, gone, seconds, **changes):
    return deletion(event_id, at(seconds), tag=None, digest=gone, **changes)


def test_batch(judge, ledger):
    """Events of many tags are judged together, each by the record of its own tag and its own protection."""
    decisions = judge(
        push("1", A, at(0)),
        push("2", A, at(1), tag=LATEST.tag),
        push("3", B, at(2)),
        push("4", B, at(3), tag=LATEST.tag),
        replace(push("5", C, at(4)), repository=Repository("other/app")),
        replace(push("6", C, at(5)), registry=RegistryName("mirror")),
    )

    assert {str(name): [entry.event.id for entry in judged.entries.values()] for name, judged in decisions} == {
        "main/team/app:1.0": ["1", "3"],
        "main/team/app:latest": ["2", "4"],
        "main/other/app:1.0": ["5"],
        "mirror/team/app:1.0": ["6"],
    }
    assert decided(ledger) == [("1", Decision.RECORDED), ("3", Decision.OVERWRITTEN)]
    assert decided(ledger, LATEST) == [("2", Decision.MOVED), ("4", Decision.MOVED)]
    assert [ledger.state(name).record.digest for name in (NAME, LATEST)] == [A, B]


def test_nothing(judge, ledger):
    """No events, nothing decided."""
    assert list(Judge(ledger, PROTECTED, 600).judge([])) == []


def test_deleted_digest(judge, ledger):
    """Deleting a digest is a deletion of each tag of the repository that is recorded with it, or lists it."""
    pushes = [
        push("1", A, at(0)),
        push("2", INDEX, at(1), tag=Tag("index"), children=(B, A)),
        push("3", B, at(2), tag=Tag("other")),
        push("4", A, at(3), tag=LATEST.tag),
        replace(push("5", A, at(4)), repository=Repository("team/web")),
    ]
    judge(*pushes)

    found = judge(delete_digest("gone", A, 10))

    assert sorted(name.tag for name, _ in found) == ["1.0", "index", "latest"]
    for name, decision in [("1.0", "deleted"), ("index", "deleted"), ("latest", "removed")]:
        assert decided(ledger, tag(name))[1:] == [("gone", decision)]
        assert ledger.history(tag(name))[1].event.tag == name
    assert len(decided(ledger, tag("other"))) == 1
    assert ledger.state(LATEST).record is None


def test_deleted_digest_in_the_batch_of_its_push(judge, ledger):
    """Which tags a deleted digest concerns shows when all that came before it is judged."""
    judge(
        push("1", A, at(0)),
        delete_digest("2", A, 1),
        deletion("3", at(2)),
        push("4", A, at(3)),
        delete_digest("5", A, 4),
        delete_digest("6", B, 5),
    )

    assert decided(ledger) == [
        ("1", Decision.RECORDED),
        ("2", Decision.DELETED),
        ("3", Decision.UNCHANGED),
        ("4", Decision.UNCHANGED),
        ("5", Decision.DELETED),
    ]


def test_deleted_digest_again(judge, ledger):
    """A deleted digest that comes again, as after a crash, concerns the same protected tags and changes nothing."""
    events = [push("1", A, at(0)), push("2", INDEX, at(1), tag=Tag("index"), children=(A,)), delete_digest("3", A, 2)]
    judge(*events)
    before = ledger.tags(MAIN, APP)

    again = judge(*events)

    assert ledger.tags(MAIN, APP) == before
    assert {name.tag for name, judged in again if [*judged.entries.values()][-1].decision.is_violation} == {
        "1.0",
        "index",
    }


@pytest.mark.parametrize("ids", ["12", "21"])
def test_deleted_and_restored_in_the_same_second(judge, ledger, ids):
    """Harbor tells whole seconds: a tag that was put back at once is there again, and its next deletion counts."""
    judge(push("0", A, at(-60)))

    judge(delete_digest(ids[0], A, 0))
    judge(push(ids[1], A, at(0)))
    judge(delete_digest("3", A, 60))

    assert [entry.decision.value for entry in ledger.history(NAME)] == ["recorded", "deleted", "unchanged", "deleted"]


def test_deleted_before_its_push_is_known(judge, ledger):
    """A deletion that is known before what was pushed earlier counts as soon as that is known, as in their order."""
    assert judge(delete_digest("gone", B, 10)) == []
    judge(push("index", INDEX, at(0), children=(A, B)), push("other", A, at(0), tag=Tag("other")))
    judge(push("again", INDEX, at(20), children=(A, B), tag=Tag("later")))

    assert decided(ledger) == [("index", Decision.RECORDED), ("gone", Decision.DELETED)]
    assert decided(ledger, tag("other")) == [("other", Decision.RECORDED)]
    assert decided(ledger, tag("later")) == [("again", Decision.RECORDED)]


def test_deleted_while_it_was_needed(judge, ledger):
    """A deletion counts for what the tag was at its time, when it is known only after the tag was moved."""
    judge(push("1", A, at(0), tag=LATEST.tag), push("2", B, at(20), tag=LATEST.tag))
    judge(delete_digest("gone", A, 10))

    assert decided(ledger, LATEST) == [("1", Decision.MOVED), ("gone", Decision.REMOVED), ("2", Decision.MOVED)]


def test_a_deletion_that_matters_only_after_another(ledger):
    """Which deletions count is looked at again once one does: what is recorded then may be something else."""
    only_overwrites = replace(next(iter(PROTECTED)), protect=frozenset({Against.OVERWRITE}))
    events = [
        delete_digest("a", A, 400),
        push("index", INDEX, at(300), children=(A, C)),
        delete_digest("b", B, 200),
        push("first", B, at(0)),
    ]
    list(Judge(ledger, PolicySet([only_overwrites]), 600).judge([Arrival(event, at(500)) for event in events]))

    assert decided(ledger) == [
        ("first", Decision.CORRECTED),
        ("b", Decision.REMOVED),
        ("index", Decision.RECORDED),
        ("a", Decision.REMOVED),
    ]


def test_deleted_at_the_time_of_judging(ledger):
    """What was judged by somebody who did not know of a deletion yet is not written, but judged again."""

    class Late(Ledger):
        def situations(self, names):
            found = super().situations(names)
            list(Judge(ledger, PROTECTED, 600).judge([Arrival(delete_digest("gone", A, 10), at(11))]))
            return found

    list(Judge(Late(ledger._redis), PROTECTED, 600).judge([Arrival(push("1", A, at(0)), at(11))]))

    assert decided(ledger) == [("1", Decision.RECORDED), ("gone", Decision.DELETED)]


def test_many_deletions(judge, ledger, redis):
    """However many manifests of a repository were deleted lately, what is known of them does not grow without end."""
    judge(push("1", A, at(0)))
    judge(*(delete_digest(f"d{number}", digest(100 + number), 10) for number in range(DELETIONS + 10)))

    assert redis.zcard("te:{main/team/app}:deletions") == DELETIONS
    assert 0 < redis.ttl("te:{main/team/app}:deletions") <= DELETIONS_SECONDS
    assert len(judge(delete_digest("gone", A, 20))) == 1


def test_unknown_digest_deleted(judge, ledger):
    """A deleted blob, or a manifest that no tag needs, concerns nobody."""
    judge(push("1", A, at(0)))

    assert judge(delete_digest("2", B, 1)) == []
    assert decided(ledger) == [("1", Decision.RECORDED)]


@pytest.mark.parametrize("ahead", [1e-9, 299, 10**9])
def test_future(judge, ledger, ahead):
    """What is said to be done in the future counts as done when it arrived."""
    judge(push("1", A, at(ahead)), arrived=START)

    assert ledger.history(NAME)[0].event.when == START
    assert ledger.history(NAME)[0].event.time == at(ahead)
    assert ledger.state(NAME).record.time == START


def test_end_of_time(judge, ledger):
    """A time of the last year that can be written does no harm."""
    judge(push("1", A, Time("9999-12-31T23:59:59.999999999Z")), arrived=START)
    judge(push("2", B, at(1)))

    assert decided(ledger) == [("1", Decision.RECORDED), ("2", Decision.OVERWRITTEN)]


def test_beginning_of_time(judge, ledger):
    """Neither does the first, which Go writes where it has no time."""
    judge(push("1", A, Time("0001-01-01T00:00:00Z")), arrived=START)
    judge(push("2", B, at(1)))
    judge(push("3", C, Time("0001-01-01T00:00:01Z")), arrived=START)

    assert decided(ledger) == [
        ("1", Decision.MOVED),  # no policy was in force then
        ("3", Decision.NOTED),
        ("2", Decision.OVERWRITTEN),
    ]


@pytest.mark.parametrize("again", [10, 399, 400, 700, 701, 5000])
def test_future_event_again(judge, ledger, again):
    """An event from the future that comes twice counts once, whatever its time is taken for the second time."""
    event = push("future", A, at(700), tag=LATEST.tag)
    judge(event, arrived=START)
    judge(push("next", B, at(5), tag=LATEST.tag))

    judge(event, arrived=at(again))

    assert decided(ledger, LATEST) == [("future", Decision.MOVED), ("next", Decision.MOVED)]
    assert ledger.state(LATEST).record.digest == B


def test_future_event_again_in_one_batch(ledger):
    """It counts once too where the next event and its double are read together."""
    event = push("future", A, at(700), tag=LATEST.tag)
    between = push("next", B, at(5), tag=LATEST.tag)
    cases = [Arrival(event, START), Arrival(between, at(6)), Arrival(event, at(10))]

    list(Judge(ledger, PROTECTED, 600).judge(cases))

    assert decided(ledger, LATEST) == [("future", Decision.MOVED), ("next", Decision.MOVED)]
    assert ledger.state(LATEST).record.digest == B


def test_event_from_the_future_holds_up_nothing(judge, ledger):
    """What comes after an event from the future is the newest, however late it is."""
    judge(push("future", A, at(10**6), tag=LATEST.tag), arrived=START)

    judge(push("next", B, at(5), tag=LATEST.tag), arrived=at(5000))

    assert ledger.state(LATEST).record.digest == B
    assert not ledger.history(LATEST)[1].late


def stamped(event, arrived, done=None):
    """The event as it stands in the log."""
    return replace(event, arrived=at(arrived), at=at(arrived if done is None else done))


def test_equal_times(ledger):
    """Where times cannot tell, the first that arrived is first: a smaller digest wins nothing."""
    events = [stamped(push("2", B, at(0)), 1, done=0), stamped(push("1", A, at(0)), 2, done=0)]

    list(Judge(ledger, PROTECTED, 600).judge(map(Arrival.of, events)))

    assert decided(ledger) == [("2", Decision.RECORDED), ("1", Decision.OVERWRITTEN)]


@pytest.mark.parametrize("before", [True, False])
def test_same_event_once_more(ledger, before):
    """A notification that is sent again later is in the log twice, and counts once; whatever came in between."""
    event = push("1", A, at(0), tag=LATEST.tag)
    between = [stamped(push("2", B, at(1), tag=LATEST.tag), 2)] if before else []
    judge = Judge(ledger, PROTECTED, 600)
    list(judge.judge(map(Arrival.of, [stamped(event, 1), *between])))
    known = ledger.state(LATEST)

    list(judge.judge([Arrival.of(stamped(event, 3))]))

    assert ledger.state(LATEST) == known
    assert [event_id for event_id, _ in decided(ledger, LATEST)] == ["1", "2"][: 1 + before]


@pytest.mark.parametrize(("done", "arrived"), [(-900, 1), (1, 1)])
def test_protected_when_it_was_done_or_when_it_arrived(ledger, done, arrived):
    """A clock that is behind does not make a policy younger than the push that it protects against."""
    policy = replace(next(iter(PROTECTED)), effective_since=START)
    events = [stamped(push("1", A), arrived, done), stamped(push("2", B), arrived + 1, done + 1)]

    list(Judge(ledger, PolicySet([policy]), 3600).judge(map(Arrival.of, events)))

    assert decided(ledger) == [("1", Decision.RECORDED), ("2", Decision.OVERWRITTEN)]


@pytest.mark.parametrize(("after", "late_window", "late"), [(600, 600, False), (600.000000001, 600, True)])
def test_late_window(judge, ledger, after, late_window, late):
    """Up to `late_window` seconds after its time an event can still be the original; after that it is evidence."""
    judge(push("2", B, at(60)))

    judge(push("1", A, at(0)), arrived=at(after), late_window=late_window)

    assert ledger.history(NAME)[0].late is late
    if late:
        assert decided(ledger) == [("1", Decision.OVERWRITTEN), ("2", Decision.RECORDED)]
        assert ledger.state(NAME).record.digest == B
    else:
        assert decided(ledger) == [("1", Decision.CORRECTED), ("2", Decision.OVERWRITTEN)]
        assert ledger.state(NAME).record.digest == A


@pytest.mark.parametrize("of_digest", [False, True])
def test_deleted_before_the_record_and_known_too_late(judge, ledger, of_digest):
    """What was deleted before the tag was recorded is no violation, however late it is known."""
    judge(push("1", A, at(60)))
    gone = delete_digest("gone", A, 0) if of_digest else deletion("gone", at(0))
    judge(gone, arrived=at(5000))
    judge(push("new", A, at(5000), tag=Tag("new")))

    assert [decision for event_id, decision in decided(ledger) if decision.is_violation] == []
    assert decided(ledger, tag("new")) == [("new", Decision.RECORDED)]


def test_newest_is_never_too_late(judge, ledger):
    """However long an event was on its way: if nothing came after it, it is judged like any other."""
    judge(push("1", A, at(0)))

    judge(push("2", B, at(1)), push("3", A, at(2)), arrived=at(10**6))

    assert decided(ledger) == [("1", Decision.RECORDED), ("2", Decision.OVERWRITTEN), ("3", Decision.UNCHANGED)]


def test_too_late_twice(judge, ledger):
    """What came too late and comes once more changes nothing."""
    judge(push("2", B, at(60)))
    judge(push("1", A, at(0)), arrived=at(900))
    before = ledger.state(NAME)

    judge(push("1", A, at(0)), arrived=at(901))

    assert ledger.state(NAME) == before
    assert decided(ledger) == [("1", Decision.OVERWRITTEN), ("2", Decision.RECORDED)]


def test_older_than_a_full_history(redis, judge):
    """What was recorded before the oldest entry of a full history is not known: nothing older becomes the original."""
    ledger = Ledger(redis, history_limit=3)
    judge(*(push(str(number), A, at(number)) for number in range(1, 6)), ledger=ledger)
    assert [event_id for event_id, _ in decided(ledger)] == ["1", "4", "5"]

    ((_, judged),) = judge(push("late", B, at(2.5)), arrived=at(6), ledger=ledger)

    assert [(entry.decision, entry.late) for entry in judged.entries.values()] == [(Decision.OVERWRITTEN, True)]
    assert (ledger.state(NAME).record.digest, ledger.state(NAME).record.time) == (A, at(1))
    assert [event_id for event_id, _ in decided(ledger)] == ["1", "4", "5"]


def test_inside_a_full_history(redis, judge):
    """Behind the record's own entry and the oldest other one all is known: a late event takes its place there."""
    ledger = Ledger(redis, history_limit=3)
    judge(*(push(str(number), A, at(number)) for number in range(1, 6)), ledger=ledger)

    judge(deletion("late", at(4.5)), arrived=at(6), ledger=ledger)

    assert decided(ledger) == [
        ("1", Decision.RECORDED),
        ("late", Decision.DELETED),
        ("5", Decision.UNCHANGED),
    ]


def test_older_than_a_full_history_whose_oldest_entry_is_evidence(redis, judge):
    """Entries that came too late do not say what was recorded at their time."""
    ledger = Ledger(redis, history_limit=3)
    judge(push("2", A, at(700)), push("3", A, at(701)), ledger=ledger)
    judge(push("1", C, at(0)), arrived=at(702), ledger=ledger)
    assert [entry.late for entry in ledger.history(NAME)] == [True, False, False]

    judge(push("late", B, at(650)), arrived=at(703), ledger=ledger)

    assert ledger.state(NAME).record.digest == A


def test_no_history(judge, ledger):
    """Where a record came without a history, as from an export, nothing that is not newer can take its place."""
    record = Record(digest=A, time=at(0))
    ledger.write([Change(NAME, 0, TagState(record, (at(0), A, "import"), 1), ())])

    judge(push("late", B, at(-1)), arrived=at(1))
    judge(push("new", B, at(1)), arrived=at(2))

    assert ledger.state(NAME).record == record
    assert decided(ledger) == [("late", Decision.OVERWRITTEN), ("new", Decision.OVERWRITTEN)]


def test_same_case_again(judge, ledger):
    """The same batch again writes nothing, and tells again what was decided and all that followed."""
    events = [push("1", A, at(0)), push("2", B, at(1)), push("3", A, at(2))]
    judge(*events)
    before = ledger.state(NAME)

    ((_, judged),) = judge(events[1])

    assert ledger.state(NAME) == before
    assert [(entry.event.id, entry.decision) for entry in judged.entries.values()] == [
        ("2", Decision.OVERWRITTEN),
        ("3", Decision.UNCHANGED),
    ]
    assert judged.rejudged == {events[2].order}


def test_double_in_one_batch(judge, ledger):
    """An event that stands twice in a batch counts once."""
    event = push("1", A, at(0), tag=LATEST.tag)
    judge(event, push("2", B, at(1), tag=LATEST.tag), event)

    assert decided(ledger, LATEST) == [("1", Decision.MOVED), ("2", Decision.MOVED)]
    assert ledger.state(LATEST).record.digest == B


def test_late_event_corrects(judge, ledger):
    """A late original makes what was recorded a violation, and tells which decisions were taken anew."""
    judge(push("2", B, at(60)), push("3", A, at(61)))

    ((_, judged),) = judge(push("1", A, at(0)), arrived=at(62))

    assert decided(ledger) == [
        ("1", Decision.CORRECTED),
        ("2", Decision.OVERWRITTEN),
        ("3", Decision.UNCHANGED),
    ]
    record = ledger.state(NAME).record
    assert (record.digest, record.time, record.settles) == (A, at(0), at(120))
    assert {judged.entries[order].event.id for order in judged.rejudged} == {"2", "3"}


def test_bypass_is_for_clients(ledger):
    """A policy's bypass actors push unprotected; an operator who is called the same approves what stays protected."""
    policy = replace(next(iter(PROTECTED)), bypass_actors=frozenset({"root"}))
    events = [
        push("1", A, at(0), actor="root"),
        replace(push("2", B, at(1), actor="root"), action=Action.ADOPT),
        push("3", C, at(2), actor="ci"),
    ]

    list(Judge(ledger, PolicySet([policy], asking=["main"]), 600).judge(Arrival(event, at(3)) for event in events))

    assert decided(ledger) == [("1", Decision.MOVED), ("2", Decision.APPROVED), ("3", Decision.OVERWRITTEN)]
    history = ledger.history(NAME)
    assert [entry.protection.overwrite for entry in history] == [False, True, True]
    assert [entry.protection.bypassed for entry in history] == [(policy.id,), (), ()]


def test_usual_batch_reads_no_history(redis):
    """As long as events come in their order, judging them takes one read and one write."""
    asked = []

    class CountingLedger(Ledger):
        def histories(self, names):
            asked.append(list(names))
            return super().histories(asked[-1])

    judge = Judge(CountingLedger(redis), PROTECTED, 600)
    list(judge.judge(Arrival(push(str(number), A, at(number)), at(number)) for number in range(10)))
    assert asked == []

    list(
        judge.judge([Arrival(push("late", A, at(5.5)), at(10)), Arrival(push("x", A, at(11), tag=LATEST.tag), at(11))])
    )
    assert asked == [[NAME]]


def test_conflict_without_end(redis):
    """A tag that changes faster than it can be judged ends the job, which is tried again."""

    class BusyLedger(Ledger):
        def write(self, changes):
            return {change.name for change in changes}

    judge = Judge(BusyLedger(redis), PROTECTED, 600)

    with pytest.raises(RuntimeError, match=f"1 tags changed faster than they could be judged, {ROUNDS} times"):
        list(judge.judge([Arrival(push("1", A, at(0)), at(1))]))
