from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.fight import DAY, NAMED, RESUMED, Fight, Telling
from enforcer.times import Time
from tests.fakes.violations import violation

BEGAN = 1_800_000_000_000


def push(number: int, at: int, *, actor: str = "mallory", address: str = "203.0.113.7:1", **changes):
    """The violation of a push so many milliseconds after the beginning."""
    time = Time.from_milliseconds(BEGAN + at)
    return replace(violation(number), time=time, arrived=time, actor=actor, address=address, **changes)


def begun(**changes) -> Fight:
    return replace(Fight.pushed(None, [push(1, 0)], BEGAN), told=True, **changes)


def test_wrong_from_the_push_to_the_put():
    """The tag is wrong from the arrival of a push until our PUT has returned."""
    fight = begun().put(BEGAN + 40)
    assert (fight.wrong, fight.wrong_since, fight.undone) == (40, 0, 0)


def test_pushes_before_a_put_are_one():
    """What is pushed while the tag is wrong makes it no more wrong, and undoes nothing."""
    fight = Fight.pushed(begun(), [push(2, 10), push(3, 20)], BEGAN + 30).put(BEGAN + 50)
    assert (fight.pushes, fight.wrong, fight.undone) == (3, 50, 0)


def test_a_push_after_a_put_undoes_it():
    """Each of our PUTs that did not last is counted, and the times add up."""
    fight = Fight.pushed(begun().put(BEGAN + 40), [push(2, 100)], BEGAN + 101).put(BEGAN + 130)
    assert (fight.wrong, fight.undone) == (40 + 30, 1)


def test_a_push_that_was_put_right_before_it_was_judged():
    """Of a push whose event arrived before our last PUT had returned, only what came afterwards is wrong time."""
    fight = Fight.pushed(begun().put(BEGAN + 40), [push(2, 20)], BEGAN + 50).put(BEGAN + 60)
    assert fight.wrong == 40 + 20


def test_a_sweep_that_finds_a_tag_fought_over():
    """What a sweep of ours finds meanwhile is no push, and the sweep is no pusher."""
    found = push(2, 20, actor="", address="", user_agent="tag-enforcer sweep")
    fight = Fight.pushed(begun(), [found], BEGAN + 30).put(BEGAN + 50)
    assert (fight.pushes, len(fight.pushers), fight.wrong) == (1, 1, 50)
    assert Fight.pushed(None, [found], BEGAN + 30).pushes == 1


def test_found_wrong_by_a_look():
    """Since when it was wrong between two looks only the registry knows: half of it is counted."""
    fight = begun().put(BEGAN + 40).seen_right(BEGAN + 500).seen_wrong(BEGAN + 2000).put(BEGAN + 2010)
    assert (fight.wrong, fight.undone) == (40 + 760, 1)


def test_told_when_it_begins():
    """Once."""
    fight, tellings = Fight.pushed(None, [push(1, 0)], BEGAN).news(BEGAN, None)
    assert tellings == [Telling.BEGINS]
    assert fight.news(BEGAN, fight) == (fight, [])


def test_what_may_be_a_build_is_told_when_it_is_over():
    """Unless something else is pushed as well."""
    fight = Fight.pushed(None, [push(1, 0, doubtful=True)], BEGAN)
    assert fight.put(BEGAN + 10).news(BEGAN + 10, fight)[1] == []
    assert Fight.pushed(fight, [push(2, 5)], BEGAN + 5).news(BEGAN, fight)[1] == [Telling.BEGINS]


def test_told_once_as_critical():
    """When the third of our PUTs was undone."""
    fight = begun()
    told = []
    for number in range(5):
        before = fight.put(BEGAN + 10 * number + 5)
        fight, tellings = Fight.pushed(before, [push(number, 10 * number + 10)], BEGAN + 100).news(BEGAN + 100, before)
        told.append(tellings)
    assert told == [[], [], [Telling.ESCALATED], [], []]


def test_each_further_actor_is_told():
    """Another name, or the same from another host; another port is no other."""
    fight = begun()
    for change, expected in (
        ({"actor": "trudy"}, [Telling.JOINED]),
        ({"address": "203.0.113.8:1"}, [Telling.JOINED]),
        ({"address": "203.0.113.7:2"}, []),
    ):
        after, tellings = Fight.pushed(fight, [push(2, 1, **change)], BEGAN + 1).news(BEGAN + 1, fight)
        assert tellings == expected
        fight = after


def test_so_many_are_named():
    """A pusher who takes another name each time is counted from then on."""
    fight = begun()
    for number in range(20):
        fight = Fight.pushed(fight, [push(number, number, actor=f"mallory-{number}")], BEGAN + number)
    assert (len(fight.pushers), fight.pushes, fight.others) == (NAMED, 21, 21 - NAMED)


@pytest.mark.parametrize(
    ("seconds", "reminders"), [(599, 0), (600, 1), (3599, 1), (3600, 2), (DAY - 1, 2), (DAY, 3), (2 * DAY, 4)]
)
def test_told_again_while_it_goes_on(seconds, reminders):
    """After ten minutes, an hour, and then daily."""
    fight, told = begun(), 0
    for _ in range(10):
        fight, tellings = fight.news(BEGAN + seconds * 1000, fight)
        told += tellings == [Telling.GOES_ON]
    assert told == reminders


@pytest.mark.parametrize(("seconds", "same"), [(RESUMED, True), (RESUMED + 1, False)])
def test_another_push_soon_after_the_end(seconds, same):
    """Within ten minutes it is the same fight."""
    ended, tellings = begun().put(BEGAN + 10).over(BEGAN + 10_000)
    assert tellings == [Telling.ENDS]
    at = 10_000 + seconds * 1000
    fight = Fight.pushed(ended, [push(2, at)], BEGAN + at)
    assert (fight.id == ended.id, fight.pushes) == (same, 1 + same)
    assert fight.ended == 0


def test_the_end_is_not_told_so_soon_again():
    """Of one that begins again and again people hear once in ten minutes that it is over."""
    fight, told = begun(), []
    for minute in range(22):
        at = BEGAN + minute * 60_000
        fight, tellings = Fight.pushed(fight, [push(minute, minute * 60_000)], at).put(at + 10).over(at + 10_010)
        told += [minute] if tellings else []
    assert told == [0, 10, 20]


def test_a_rival_is_told():
    """Once, as long as nobody else pushes."""
    fight = Fight.pushed(begun(), [push(2, 1)], BEGAN + 1, rival=True)
    fight, tellings = fight.news(BEGAN + 1, begun())
    assert tellings == [Telling.RIVAL]
    assert Fight.pushed(fight, [push(3, 2)], BEGAN + 2, rival=True).news(BEGAN + 2, fight)[1] == []


def test_a_withdrawn_violation_does_not_count():
    """What turned out to be none leaves a fight without pushes, of which there is nothing to tell."""
    assert begun().withdrawn().over(BEGAN + 10_000)[1] == []


def test_survives_its_way_through_redis():
    """It is read as it was written."""
    fight = Fight.pushed(begun(), [push(2, 1, actor="trudy")], BEGAN + 1)
    assert Fight.from_json(fight.to_json()) == fight
