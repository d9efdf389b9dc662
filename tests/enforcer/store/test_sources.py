"""When an event was done, told from when it arrived and what its source's clock says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.events import ENFORCER, HARBOR
from enforcer.store.log import LOG, Log
from enforcer.store.sources import KEPT, Source, Sources
from enforcer.times import Time
from tests.fakes.clock import Clock
from tests.fakes.events import MAIN, digest, push


@pytest.fixture
def clock(redis):
    redis.clock.clock = Clock()
    return redis.clock.clock


@pytest.fixture
def log(redis, clock):
    return Log(redis)


@pytest.fixture
def sources(redis, clock):
    return Sources(redis)


@pytest.fixture
def tell(log, clock):
    """Appends an event of a source, whose clock is so many seconds ahead and which sent it so late; returns it."""

    def tell(source, *, late=0.0, ahead=0.0):
        event = push(f"event-{clock.milliseconds}", digest(1), clock.read().plus(ahead - late), source=source)
        (told,) = log.accept([event]).events
        return told

    return tell


@pytest.fixture
def delay(tell, clock):
    """The seconds that an event was on its way, as far as that is known."""

    def delay(*args, **options):
        clock.advance(30)
        told = tell(*args, **options)
        return round(told.arrived.since(told.at), 3)

    return delay


def shows(sources, clock, ahead=0.0):
    """The registry answers, and its clock is so many seconds ahead."""
    sources.note_clock(MAIN, clock.read().plus(ahead))


@pytest.mark.parametrize("ahead", [0, -3600, -70, -1.5, 1.5, 70, 3600])
def test_skew(sources, clock, delay, ahead):
    """Whatever a clock is apart, an event was on its way for as long as it was later than the quickest one."""
    shows(sources, clock, ahead)
    assert delay("a", ahead=ahead, late=0.5) == 0
    assert delay("a", ahead=ahead, late=0.25) == 0
    assert delay("a", ahead=ahead, late=20.25) == 20
    assert sources.of(MAIN)["a"].skew == pytest.approx(0.25 - ahead)


@pytest.mark.parametrize(("apart", "counts"), [(0, True), (1.9, True), (-1.9, True), (2.1, False), (-2.1, False)])
def test_what_the_registry_shows(sources, clock, delay, apart, counts):
    """The times of a source count only where the registry's own answers show about the same clock."""
    shows(sources, clock, apart)
    delay("a")
    assert delay("a", late=10) == (10 if counts else 0)
    assert sources.of(MAIN)["a"].is_known(sources.clock(MAIN)) is counts


def test_unknown_clock(delay):
    """As long as the registry has not answered, the arrival decides."""
    delay("a")
    assert delay("a", late=10) == 0


def test_new_source(sources, clock, delay):
    """The first event of a source shows no delay, however old it says that it is."""
    shows(sources, clock)
    assert delay("a", late=1.5) == 0
    assert delay("b", late=500) == 0


def test_clock_that_is_said_to_be_ahead(sources, clock, delay):
    """One event from the future, which anybody may forge, and the times of its source count no more."""
    shows(sources, clock)
    delay("a")
    assert delay("a", ahead=3600) == 0
    assert delay("a", late=10) == 0


def test_skew_of_the_last_hour(sources, clock, delay):
    """A clock that was set is known after an hour: earlier delays are forgotten."""
    delay("a", ahead=90)
    clock.advance(3600)
    shows(sources, clock)
    assert delay("a") == 0
    assert delay("a", late=10) == 10


def test_order_within_a_process(sources, clock, tell):
    """Events of a Distribution process come in order: none was done before one that came earlier."""
    shows(sources, clock)
    first = tell("a")
    clock.advance(10)
    second = tell("a", late=30)
    clock.advance(0.001)
    third = tell("a", late=2)
    assert first.order < second.order < third.order
    assert second.at.since(first.at) <= 0.001


def test_order_in_one_millisecond(sources, clock, tell):
    """Even those that arrive at the same time stay in their order."""
    shows(sources, clock)
    told = [tell("a", late=late) for late in (1, 1.5, 0.5, 0.25, 1.25)]
    assert sorted(told, key=lambda event: event.order) == told


def test_harbor(log, sources, clock):
    """A Harbor is ordered by its own times, whole seconds, and where these are equal by the arrival."""
    shows(sources, clock)

    def tell(name, second):
        clock.advance(0.1)
        time = Time.from_milliseconds(1_800_000_000_000).plus(second)
        return log.accept([push(name, digest(int(name)), time, source=HARBOR)]).events[0]

    told = [tell("9", 0), tell("1", 0)]
    clock.advance(2)
    told += [tell("7", 3), tell("8", 1), tell("2", 3)]
    in_order = sorted(told, key=lambda event: event.order)
    assert [event.id for event in in_order] == ["9", "1", "8", "7", "2"]


def test_two_hundred_pairs_in_one_second_of_harbor(redis, log, clock):
    """The first push of each pair is first, whichever digest is the smaller and whatever becomes known in between."""
    for pair in range(200):
        clock.advance(3 - clock.now % 1)
        told = []
        for number in range(2):
            if number == pair % 3:
                shows(Sources(redis), clock)
            second = Time.from_milliseconds(int(clock.now) * 1000)
            told += log.accept(
                [push(f"{pair}-{number}", digest(pair * (1 - number) + 1), second, source=HARBOR)]
            ).events
            clock.advance(0.2 + pair % 5 / 10)
        assert told[0].order < told[1].order


def test_own_events(log, clock, delay):
    """What we say ourselves was done when it says, but not later than it arrived."""
    assert delay(ENFORCER, late=3600) == 3600
    assert delay(ENFORCER, ahead=3600) == 0
    assert delay("") == delay("", late=20) == 0


def test_entry_of_an_earlier_release(redis, log):
    """An entry without such a time is in the order of the registry's own times; its arrival is known."""
    event = push("1", digest(1), Time("2026-11-22T04:00:00Z"))
    redis.xadd(LOG, {"event": event.to_json()}, id="1800000000000-7")
    ((entry,),) = log.batches("a")
    assert entry.event == replace(event, arrived=Time("2027-01-15T08:00:00.000000007Z"))
    assert entry.event.when == event.time


def test_sources_are_bounded(sources, clock, delay):
    """Whoever names ever new sources makes those known no more that were silent for the longest."""
    for number in range(KEPT + 5):
        delay(f"forged-{number}")
        delay("honest")
    found = sources.of(MAIN)
    assert len(found) == KEPT
    assert {"honest", f"forged-{KEPT + 4}"} <= set(found)
    assert "forged-0" not in found


def test_what_is_known_of_a_source(sources, clock, tell):
    """It is known when a source was first heard of, and last, and when its delay was the usual one."""
    shows(sources, clock)
    first = tell("a").arrived
    clock.advance(60)
    usual = tell("a", late=1).arrived
    clock.advance(60)
    heard = tell("a", late=30).arrived
    assert sources.of(MAIN) == {"a": Source(first=first, heard=heard, usual=usual, skew=0)}


def test_sources_of_other_registries(sources):
    """Each registry has its own."""
    assert sources.of(MAIN) == {}
    assert sources.clock(MAIN) is None
