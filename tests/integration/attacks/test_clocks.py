"""Clocks that are wrong, apart or set decide nothing: what was first stays, what people are told is so."""

from __future__ import annotations

import pytest

from tests.integration.attacks import clocks
from tests.integration.attacks.bench import FakeTable, bench
from tests.integration.attacks.expected import failing
from tests.integration.attacks.fights import within

pytestmark = pytest.mark.integration

COUNT = 4
SLOW = [*clocks.SKEWS, *clocks.STEPS]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    tables = {**clocks.TABLES, "cut": FakeTable(), "harbor": FakeTable(kind="harbor")}
    with bench(tmp_path_factory.mktemp("clocks"), fakes=tables) as whole:
        yield whole


@pytest.fixture(scope="module")
def outcomes(running):
    """What became of the tags on every registry."""
    return clocks.overwrite_all(running, COUNT)


@pytest.fixture(scope="module")
def told(running, outcomes):
    """What people were told of every registry that is not so, once the fights are over."""

    def untrue():
        return {name: clocks.untrue(running, name, outcomes[name]) for name in SLOW}

    within(lambda: not any(untrue().values()), 12)
    return untrue()


@pytest.mark.parametrize("name", clocks.TABLES)
def test_every_overwrite_is_undone(outcomes, name):
    """The original is back and is the record, whatever the registry's clocks say and however late it writes."""
    assert clocks.lost(outcomes[name]) == []


@failing("rule 7: no evidence is gathered for the older push, so the first arrival stays")
def test_original_behind_a_cut_network_is_the_original(running):
    """Where a later event of the same process shows that its network is well, its older push corrects the record."""
    original, other = clocks.push_behind_a_cut(running, "cut", 2)
    assert within(lambda: running.record("team/cut", "1.0", registry="cut") == original, 5)
    assert within(lambda: running.served("team/cut", "1.0", registry="cut") == original, 5)
    assert within(
        lambda: any(a["severity"] == "critical" for a in running.alerts("team/cut", "1.0", registry="cut")), 2
    )
    assert other in str(running.alerts("team/cut", "1.0", registry="cut"))


def test_first_of_two_pushes_in_one_second_of_harbor_stays(running):
    """Where times cannot tell, the first that arrived is first."""
    assert clocks.lost(clocks.push_twice_in_a_second(running, "harbor", COUNT)) == []


@pytest.mark.parametrize("name", SLOW)
def test_what_people_are_told_is_so(told, name):
    """Exposures are right within a second, and no alert says that the original was in place when it was not."""
    assert told[name] == []
