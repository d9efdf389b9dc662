from __future__ import annotations

from dataclasses import replace

from enforcer.events import Action
from enforcer.judgement.record import Record, TagState
from enforcer.times import Time
from tests.fakes.events import NAME, digest
from worker.scanning.observation import Difference, Observation, observed_event

THEN = Time("2026-11-22T04:00:00Z")
LOOK = Observation(NAME, TagState(), digest(1), THEN)


def test_what_is_there_counts_as_pushed():
    """A tag that is found is a push at the time of the look, which names nobody but who found it."""
    event = observed_event(LOOK, "sweep", "id")
    assert (event.action, event.tag_name, event.digest, event.time) == (Action.PUSH, NAME, digest(1), THEN)
    assert (event.actor, event.user_agent) == ("", "tag-enforcer sweep")


def test_what_is_gone_counts_as_deleted():
    """A tag that is not found is a deletion, whatever was asked for."""
    assert observed_event(replace(LOOK, found=None), "baseline", "id", adopted="why").action is Action.DELETE


def test_adopted():
    """What an operator wants recorded is adopted, and says why."""
    event = observed_event(LOOK, "baseline", "id", adopted="why")
    assert (event.action, event.reason) == (Action.ADOPT, "why")


def test_later_than_all_that_is_known():
    """A finding comes after every event that the ledger knew before the look, though their clock may be ahead."""
    ahead = THEN.plus(60)
    known = TagState(Record(digest=digest(2), time=ahead), (ahead, digest(2), "id"))
    assert observed_event(replace(LOOK, state=known), "sweep", "id").time > ahead
    earlier = TagState(Record(digest=digest(2), time=THEN.plus(-1)), (THEN.plus(-1), digest(2), "id"))
    assert observed_event(replace(LOOK, state=earlier), "sweep", "id").time == THEN
    assert observed_event(replace(LOOK, state=known), "sweep", "id", time=THEN).time == THEN


def test_an_event_from_the_end_of_time():
    """What claims to be of a time that nobody's clock can show yet, a finding need not come after."""
    last = Time("9999-12-31T23:59:59.999999999Z")
    known = TagState(Record(digest=digest(2), time=THEN), (last, digest(2), "id"))
    assert observed_event(replace(LOOK, state=known), "sweep", "id").time == THEN


def test_difference():
    """A difference names what is recorded and what was found."""
    known = TagState(Record(digest=digest(2), time=THEN))
    assert Difference.of(replace(LOOK, state=known)) == Difference("main/team/app:1.0", digest(2), digest(1))
    assert Difference.of(replace(LOOK, state=known, found=None)).found is None
