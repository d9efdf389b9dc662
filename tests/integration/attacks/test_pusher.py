"""Whoever has push credentials and nothing else: whatever they push, tags are right again, and people know."""

from __future__ import annotations

import time

import pytest

from tests.integration.attacks import pushers
from tests.integration.attacks.bench import FakeTable, bench, side_by_side
from tests.integration.attacks.expected import failing
from tests.integration.attacks.fights import burst, sustain, target, within
from worker.pool import THREADS

pytestmark = pytest.mark.integration

BURSTS = {"one": (1, 0.0), "five-slowly": (5, 0.15), "twelve-slowly": (12, 0.15), "forty": (40, 0.0)}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with bench(tmp_path_factory.mktemp("pusher"), more=pushers.SETTLED, fakes={"shared": FakeTable()}) as whole:
        yield whole


@pytest.fixture(scope="module")
def bursts(running):
    """The tags that were overwritten quickly, and for how long each was wrong after the last push."""
    attacked = {name: target(running, f"team/{name}", "1.0") for name in BURSTS}
    for name in BURSTS:
        running.wait_recorded(f"team/{name}", "1.0")

    def fight(name):
        burst(attacked[name], *BURSTS[name])
        return attacked[name].seconds_until_right(5)

    return dict(zip(BURSTS, side_by_side(fight, list(BURSTS)), strict=True))


@pytest.mark.parametrize("name", BURSTS)
def test_quick_overwrites(bursts, name):
    """However many and however quick they are, the tag is right within seconds after the last one."""
    assert bursts[name] is not None


def test_one_push_whenever_the_original_is_back(running):
    """Every one of them is answered at once, the tenth like the first."""
    attacked = target(running, "team/sustained", "1.0")
    running.wait_recorded("team/sustained", "1.0")
    share = sustain(attacked, 4)
    assert attacked.seconds_until_right(3) is not None
    assert share.longest < 2
    assert share.pushes >= 8


def test_many_tags_fought_over_at_once(running):
    """All are right within three seconds after the last push."""
    assert pushers.crowd(running, "team/crowd", tags=12, gap=0.3, seconds=4, patience=3) == []


@failing("a pool keeps the precedence for its own process only: what others have begun goes before", always=False)
def test_another_tag_goes_before_a_fight(running):
    """Its first PUT is the next of the process that judged it; others begin fewer than one pool before it."""
    assert pushers.turn_of_another_tag(running, "shared", "team/shared") < THREADS


def test_index_that_lists_the_original_is_an_overwrite(running):
    """By default no index takes a tag over from the image that it lists: undone and told."""
    original, evil = pushers.push_index_attack(running, "team/index-attack")
    assert within(lambda: running.served("team/index-attack", "1.0") == original, 5)
    assert running.record("team/index-attack", "1.0") == original
    alert = within(lambda: evil in str(running.alerts("team/index-attack", "1.0")), 3)
    assert alert, running.alerts("team/index-attack")


@pytest.mark.parametrize("case", ["other-host", "child-of-another-host"])
def test_settling_is_for_who_pushed_first(running, case):
    """Where a policy lets tags settle, an index by another client, or with a child of another one, is an overwrite."""
    original, evil = pushers.push_settling(running, f"settled/{case}", case)
    assert within(lambda: running.served(f"settled/{case}", "1.0") == original, 5)
    assert within(lambda: evil in str(running.alerts(f"settled/{case}", "1.0")), 3)


def test_old_build_tool_settles_and_is_told(running):
    """Children by the final tag, then their index, by one client: it passes, as a warning with both digests."""
    first, index = pushers.push_settling(running, "settled/honest", "honest")
    assert within(lambda: running.record("settled/honest", "1.0") == index, 5)
    assert within(lambda: running.served("settled/honest", "1.0") == index, 5)
    within(lambda: bool(running.alerts("settled/honest")), 2)
    alerts = [each for each in running.alerts("settled/honest") if each["severity"] == "warning"]
    assert any(first in str(each) and index in str(each) for each in alerts), alerts


def test_deleted_below_an_index_of_an_index(running):
    """The innermost manifest is the tag's own: deleted by digest it is back, and told."""
    _, (child, _, _) = pushers.push_nested(running, "team/nested")
    time.sleep(1)  # kept
    running.delete("team/nested", child)
    assert within(lambda: running.served("team/nested", child) == child, 5)
    assert within(lambda: bool(running.alerts("team/nested", "1.0")), 5)


def test_deleted_a_tenth_of_a_second_after_the_push(running):
    """A manifest that is deleted as soon as that is put back: it was kept by then."""
    assert pushers.delete_soon(running, "team/soon", 5, after=0.1) == []


def test_history_knows_who_made_the_original(running):
    """After more overwrites than a history has entries the record's own entry is still there."""
    attacked = target(running, "team/long-history", "1.0", others=110)
    running.wait_recorded("team/long-history", "1.0")
    burst(attacked, 110)
    running.wait_judged()
    pushed = [each["digest"] for each in running.history("team/long-history", "1.0") if each["action"] == "push"]
    assert len(pushed) > 50
    assert pushed[0] == attacked.original
    assert running.history("team/long-history", "1.0")[0]["decision"] == "recorded"


def test_junk_deleted_by_one_digest_holds_nothing_up(running):
    """25 tags of one digest deleted with it, and a tag overwritten: all are restored as ever."""
    content = running.upload("team/junk", "junk")
    junk = running.push("team/junk", "t0", content)
    for number in range(1, 25):
        running.push("team/junk", f"t{number}", content)
    real = target(running, "team/real", "1.0")
    running.wait_recorded("team/junk", "t24")
    running.wait_recorded("team/real", "1.0")
    time.sleep(0.5)  # kept
    running.delete("team/junk", junk)
    real.overwrite(0)
    assert real.seconds_until_right(5) is not None
    assert within(lambda: all(running.served("team/junk", f"t{number}") == junk for number in range(25)), 10)


def test_people_hear_of_a_fight_when_it_begins_and_ends(running, bursts):
    """One alert at the beginning, at most one escalation for one actor, one at the end: never one a push."""
    assert bursts
    within(lambda: all(len(running.alerts(f"team/{name}")) >= 2 for name in BURSTS), 12)
    told = {name: running.alerts(f"team/{name}", "1.0") for name in BURSTS}
    for name, alerts in told.items():
        assert 1 <= len(alerts) <= 3, name
        assert sum(each["severity"] == "critical" for each in alerts) <= 1, name
