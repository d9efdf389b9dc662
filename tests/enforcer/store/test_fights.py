from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.fight import RESUMED, Fight
from enforcer.store.fights import Fights
from tests.fakes.events import NAME
from tests.fakes.violations import violation


@pytest.fixture
def fights(redis):
    return Fights(redis)


def begin(fight, now):
    return Fight.pushed(fight, [violation()], now)


def test_a_change_of_what_was_changed_meanwhile(redis, fights):
    """Of two that change a fight at once neither overwrites the other."""
    meanwhile = [lambda: Fights(redis).change(NAME, begin)]

    def change(fight, now):
        if meanwhile:
            meanwhile.pop()()
        return begin(fight, now)

    before, after, _ = fights.change(NAME, change)
    assert (before.pushes, after.pushes) == (1, 2)
    assert fights.get(NAME) == after


def test_no_change(fights):
    """Where there is no fight, and nothing that begins one, nothing is written."""
    assert fights.change(NAME, lambda fight, now: fight)[:2] == (None, None)
    assert fights.get(NAME) is None


def test_kept_as_long_as_it_may_go_on(redis, fights):
    """A fight that ended is kept while another overwrite is still the same one, and not for ever."""
    fights.change(NAME, begin)
    fights.change(NAME, lambda fight, now: replace(fight, ended=now))
    assert RESUMED < redis.ttl(f"te:fight:{NAME}") <= 2 * RESUMED
