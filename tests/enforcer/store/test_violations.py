from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.record import Decision, Entry, Record
from enforcer.judgement.violation import Filter, State, Violation, violation_id
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.policies.policy import Protection
from enforcer.store.violations import Violations
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, deletion, digest, push
from tests.fakes.violations import violation

OTHER = TagName(MAIN, APP, Tag("1.0-rc"))


@pytest.fixture
def violations(redis):
    return Violations(redis)


def entry(event, decision: Decision = Decision.OVERWRITTEN, *, enforce: bool = True) -> Entry:
    protection = Protection(overwrite=True, delete=True, enforce=enforce, settle=120, policies=(3, 5))
    return Entry(event, decision, protection, Record(digest=digest(1), time=Time("2026-11-22T04:00:00Z")))


def test_a_violation_says_who_did_what():
    """A violation holds what should be there, what was pushed, by whom, when, and which policies forbid it."""
    event = push("e", digest(2), actor="mallory", address="192.0.2.7", user_agent="docker")
    found = Violation.of(NAME, entry(event))
    assert (found.recorded, found.pushed, found.kind) == (digest(1), digest(2), Decision.OVERWRITTEN)
    assert (found.actor, found.address, found.user_agent) == ("mallory", "192.0.2.7", "docker")
    assert (found.time, found.event_id, found.policies) == (event.time, "e", (3, 5))
    assert found.arrived == event.time
    assert (found.state, found.exposure, found.restores) == (State.OPEN, None, 0)


def test_a_violation_is_of_redis_time():
    """What a registry's clock says is in the history; here stand when it was done, and when we heard of it."""
    done, arrived = Time("2026-11-22T04:00:00Z"), Time("2026-11-22T04:00:01Z")
    event = push("e", digest(2), Time("9999-12-31T23:59:59Z"), at=done, arrived=arrived)
    found = Violation.of(NAME, entry(event))
    assert (found.time, found.arrived) == (done, arrived)


def test_a_violation_of_an_earlier_release():
    """One that does not say when it arrived arrived when it was done."""
    fields = violation(1).as_dict()
    del fields["arrived"]
    assert Violation.from_dict(fields).arrived == violation(1).time


@pytest.mark.parametrize("gone", [{}, {"digest": digest(1)}, {"digest": digest(7)}], ids=["tag", "manifest", "child"])
def test_a_deletion_pushed_nothing(gone):
    """Where the tag, its manifest or a child of it was deleted, no digest was pushed."""
    assert Violation.of(NAME, entry(deletion("e", **gone), Decision.DELETED)).pushed is None


def test_an_observing_policy_only_observes():
    """What only an observing policy protects is never open: nobody restores it."""
    assert Violation.of(NAME, entry(push("e", digest(2)), enforce=False)).state is State.OBSERVED


def test_the_same_event_is_the_same_violation():
    """An id depends on the event and its tag, and on nothing that may be judged otherwise later."""
    first = violation_id(push("e", digest(2)))
    assert first == violation_id(push("e", digest(3), time=Time("2026-01-01T00:00:00Z")))
    others = [push("other", digest(2)), push("e", digest(2), tag=OTHER.tag), deletion("f")]
    assert len({first, *map(violation_id, others)}) == 4


def test_json_comes_back_as_it_was(violations):
    """Every field survives its way through Redis."""
    given = [
        violation(1),
        violation(2, pushed=None, kind=Decision.DELETED, actor="", state=State.OBSERVED),
        replace(violation(3), problem='nö "quotes"', exposure=12, restores=3),
        violation(4).closed_as(State.RESTORED, Time.now(), exposure=0),
    ]
    violations.open(given)
    assert [violations.get(each.id) for each in given] == given
    assert violations.get("unknown") is None


def test_open_once(violations):
    """A violation that is known stays as it is, whatever became of it meanwhile; only new ones are returned."""
    assert violations.open([violation(1)]) == [violation(1)]
    closed = violation(1).closed_as(State.RESTORED, Time.now(), exposure=5)
    violations.update(closed)
    assert violations.open([violation(1), violation(2)]) == [violation(2)]
    assert violations.get(violation(1).id) == closed


def test_opening_nothing(violations):
    """No violations, no new ones."""
    assert violations.open([]) == []


def test_a_withdrawn_violation_may_be_one_after_all(violations):
    """What a later judgement makes a violation again is open again."""
    violations.open([violation(1)])
    violations.update(violation(1).closed_as(State.WITHDRAWN, Time.now()))
    assert violations.open([violation(1)]) == [violation(1)]
    assert violations.get_open(NAME) == [violation(1)]


def test_a_violation_of_another_record_is_a_new_one(violations):
    """When an older original turns up, the tag must become that: the violation is open again, against it."""
    violations.open([violation(1)])
    violations.update(violation(1).closed_as(State.RESTORED, Time.now(), exposure=5))
    renewed = violation(1, recorded=digest(9))
    assert violations.open([renewed]) == [renewed]
    assert violations.get_open(NAME) == [renewed]


@pytest.mark.parametrize(
    ("before", "renewed"),
    [
        (None, True),
        (violation(1), False),
        (violation(1).closed_as(State.RESTORED, Time.now(), exposure=5), False),
        (violation(1).closed_as(State.NOT_RESTORABLE, Time.now()), False),
        (violation(1).closed_as(State.WITHDRAWN, Time.now()), True),
        (violation(1, recorded=digest(9)), True),
    ],
)
def test_renews_agrees_with_open(violations, before, renewed):
    """Whether a violation is news can be asked before it is opened, with the answer that opening gives."""
    if before is not None:
        violations.open([before])
        violations.update(before)
    known = violations.known([violation(1).id])
    assert violation(1).renews(known.get(violation(1).id)) is renewed
    assert bool(violations.open([violation(1)])) is renewed


def test_known_reads_those_that_are_there(violations):
    """Many are read at once; an id that nobody knows is left out."""
    violations.open([violation(1), violation(2)])
    assert violations.known([violation(2).id, "unknown"]) == {violation(2).id: violation(2)}
    assert violations.known([]) == {}


def test_open_violations_of_a_tag(violations):
    """A tag's open violations are its own: not those of a tag whose name begins alike, nor the closed or observed."""
    given = [
        violation(1),
        violation(2),
        violation(3, name=OTHER),
        violation(4, state=State.OBSERVED),
        violation(5),
    ]
    violations.open(given)
    violations.update(violation(5).closed_as(State.RESTORED, Time.now(), exposure=1))
    assert violations.get_open(NAME) == [violation(1), violation(2)]
    assert violations.get_open(OTHER) == [violation(3, name=OTHER)]
    assert violations.count_open() == 3


def test_what_was_withdrawn_meanwhile_stays_so(violations):
    """Whoever still restores a violation that is none any more, or is forgotten, does not bring it back."""
    violations.open([violation(1), violation(2)])
    violations.update(violation(1).closed_as(State.WITHDRAWN, Time.now()))
    violations.forget(violation(2))
    for number in (1, 2):
        violations.update(violation(number).closed_as(State.RESTORED, Time.now(), exposure=5))
    assert [(found.id, found.state) for found in violations.newest()] == [(violation(1).id, State.WITHDRAWN)]
    assert violations.get(violation(2).id) is None


def test_what_became_of_it_with_another_record_is_not_written_over(violations):
    """Whoever still restores the record of before says nothing of the one that the tag must be now."""
    violations.open([violation(1)])
    renewed = violation(1, recorded=digest(9))
    violations.open([renewed])
    for state in (State.RESTORED, State.RELEASED, State.WITHDRAWN):
        violations.update(violation(1).closed_as(state, Time.now()))
        assert violations.get_open(NAME) == [renewed]


def test_update_of_an_open_violation_keeps_it_open(violations):
    """Progress is written without closing."""
    violations.open([violation(1)])
    failing = replace(violation(1), problem="away")
    violations.update(failing)
    assert violations.get_open(NAME) == [failing]
    assert violations.count_open() == 1


def test_closing_says_when(violations):
    """A closed violation has the time of its end and no problem any more."""
    before = Time.now()
    closed = replace(violation(1), problem="away").closed_as(State.RESTORED, Time.now(), exposure=7)
    assert (closed.state, closed.exposure, closed.problem) == (State.RESTORED, 7, "")
    assert closed.closed is not None
    assert before <= closed.closed <= Time.now()


def test_newest_first(violations):
    """Violations are listed by the time of their event, newest first, up to a limit."""
    violations.open([violation(2), violation(3), violation(1)])
    assert list(violations.newest()) == [violation(3), violation(2), violation(1)]
    assert list(violations.newest(limit=1)) == [violation(3)]


def test_closed_ones_are_forgotten_first(redis):
    """Beyond the limit the oldest closed ones go, whenever they were closed; an older one that is open stays."""
    violations = Violations(redis, kept=3)
    violations.open([violation(1), violation(2, state=State.OBSERVED), violation(3), violation(4)])
    assert list(violations.newest()) == [violation(4), violation(3), violation(1)]
    closed = violation(3).closed_as(State.RESTORED, Time.now())
    violations.update(closed)
    violations.open([violation(5), violation(6)])
    assert violations.get(closed.id) is None
    assert violations.get_open(NAME) == [violation(1), violation(4), violation(5), violation(6)]


def test_what_is_withdrawn_and_opened_again_is_open(redis):
    """A violation that is one again is forgotten no sooner than other open ones."""
    violations = Violations(redis, kept=1)
    violations.open([violation(1)])
    violations.update(violation(1).closed_as(State.WITHDRAWN, Time.now()))
    violations.open([violation(1)])
    violations.open([violation(2), violation(3)])
    assert violations.get_open(NAME) == [violation(1), violation(2), violation(3)]


def test_there_are_only_so_many(redis):
    """Beyond the larger limit the oldest are forgotten altogether, the open ones among them too."""
    violations = Violations(redis, kept=1, most=2)
    violations.open([violation(1), violation(2, state=State.OBSERVED), violation(3), violation(4)])
    assert list(violations.newest()) == [violation(4), violation(3)]
    assert violations.get(violation(1).id) is None
    assert violations.get_open(NAME) == [violation(3), violation(4)]
    assert violations.count_open() == 2


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(), [6, 5, 4, 3, 2, 1]),
        (Filter(since=violation(4).time), [6, 5, 4]),
        (Filter(since=violation(4).time.plus(0.0015)), [6, 5]),
        (Filter(state=State.OPEN), [5, 3, 2, 1]),
        (Filter(state=State.OPEN, since=violation(3).time), [5, 3]),
        (Filter(state=State.OPEN, repository="team/app"), [5, 3, 1]),
        (Filter(state=State.OBSERVED), [6]),
        (Filter(state=State.RESTORED, registry="main"), [4]),
        (Filter(repository="team/other"), [2]),
        (Filter(registry="main"), [6, 4, 3, 2, 1]),
        (Filter(registry="other", repository="team/app"), [5]),
        (Filter(registry="nowhere"), []),
        (Filter(state=State.WITHDRAWN), []),
    ],
)
@pytest.mark.parametrize("chunk", [2, 1000])
def test_pages_of_what_is_asked_for(redis, wanted, numbers, chunk):
    """Each filter, alone and together, gives how many there are and any part of them, newest first."""
    violations = Violations(redis, at_once=chunk)
    elsewhere = {"name": replace(NAME, repository=Repository("team/other"))}
    given = [
        violation(1),
        violation(2, **elsewhere),
        violation(3, name=OTHER),
        violation(4),
        violation(5, name=replace(NAME, registry=RegistryName("other"))),
        violation(6, state=State.OBSERVED),
    ]
    violations.open(given)
    violations.update(violation(4).closed_as(State.RESTORED, Time.now(), exposure=1))
    total, found = violations.page(wanted, limit=100)
    assert (total, [int(one.id, 16) for one in found]) == (len(numbers), numbers)
    total, found = violations.page(wanted, limit=2, offset=1)
    assert (total, [int(one.id, 16) for one in found]) == (len(numbers), numbers[1:3])


@pytest.mark.parametrize("wanted", [Filter(), Filter(state=State.OPEN), Filter(registry="main")])
def test_violations_of_one_instant_have_one_order(violations, wanted):
    """Whatever is asked for, equal times are in the same order, so that no page repeats what another had."""
    at = violation(1).time
    violations.open([violation(number, time=at.plus(number / 1e6)) for number in (2, 1, 3)])
    pages = [violations.page(wanted, limit=1, offset=offset)[1] for offset in range(3)]
    assert [int(one.id, 16) for (one,) in pages] == [3, 2, 1]
