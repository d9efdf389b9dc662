"""The long form of tests/integration/attacks: more tags, more pushes, longer fights, and what fills a store."""

from __future__ import annotations

import json
import random
import time

import psutil
import pytest

from benchmarks.bare_script import BareScript
from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from tests.fakes.images import image, index
from tests.integration.attacks import clocks, pushers
from tests.integration.attacks.bench import Bench, FakeTable, bench, side_by_side
from tests.integration.attacks.expected import each, failing
from tests.integration.attacks.fights import burst, sustain, target, within
from tests.integration.attacks.test_clocks import TOLD, UNDONE

pytestmark = pytest.mark.integration

COUNTS = (1, 2, 5, 12, 40, 100)
GAPS = (0.0, 0.15, 0.2)
TAGS = 20
GIB = 1 << 30


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with bench(tmp_path_factory.mktemp("pusher")) as whole:
        yield whole


@pytest.fixture(scope="module")
def skewed(tmp_path_factory):
    """What became of the tags of every registry whose clocks are wrong, apart or set, and the installation."""
    tables = {**clocks.TABLES, "cut": FakeTable(), "harbor": FakeTable(kind="harbor")}
    with bench(tmp_path_factory.mktemp("clocks"), fakes=tables) as whole:
        yield whole, clocks.overwrite_all(whole, TAGS)


@failing("attacks.md 1.1: restores wait longer with each push")
@pytest.mark.parametrize("gap", GAPS)
def test_quick_overwrites(running, gap):
    """However many and however quick they are, the tag is right within seconds after the last one."""
    late = {}
    for count in COUNTS:
        repository = f"team/burst-{count}-{round(gap * 100)}"
        attacked = target(running, repository, "1.0")
        running.wait_recorded(repository, "1.0")
        burst(attacked, count, gap)
        late[count] = attacked.seconds_until_right(5)
    assert None not in late.values(), late
    time.sleep(15)
    for count in COUNTS:
        alerts = running.alerts(f"team/burst-{count}-{round(gap * 100)}")
        assert 1 <= len(alerts) <= 3, count
        assert sum(alert["severity"] == "critical" for alert in alerts) <= 1, count


@failing("attacks.md 1.1: restores wait longer with each push")
def test_sustained_attack_beside_a_bare_script(tmp_path):
    """A push whenever the original is back, for a minute: each buys 1.5 times what it buys of a bare script at most."""
    script, whole = BareScript(), Bench(tmp_path)
    whole.notify_also("bare-script", script.url)
    try:
        whole.start()
        script.registry_url = whole.url_of("main")
        guarded, bare = target(whole, "team/app", "1.0"), target(whole, "bare/app", "1.0")
        script.kept["bare/app", "1.0"] = image("bare/app", label="1.0")
        whole.wait_recorded("team/app", "1.0")
        ours, theirs = sustain(guarded, 60), sustain(bare, 60)
    finally:
        whole.stop()
        script.stop()
    assert ours.of_time <= 1.5 * theirs.of_time, (ours, theirs)
    assert ours.wrong / ours.pushes <= 1.5 * theirs.wrong / theirs.pushes, (ours, theirs)


@failing("attacks.md 1.1: restores wait longer with each push")
def test_fifty_tags_fought_over_at_once(running):
    """All are right within three seconds after the last push."""
    assert pushers.crowd(running, "team/crowd", tags=50, gap=1, seconds=30, patience=3) == []


@failing("attacks.md 1.5: deleted before it is kept", always=False)
def test_deleted_a_tenth_of_a_second_after_the_push(running):
    """20 of 20 are back."""
    assert pushers.delete_soon(running, "team/soon", TAGS, after=0.1) == []


@pytest.mark.parametrize("name", each(clocks.TABLES, UNDONE))
def test_every_overwrite_is_undone(skewed, name):
    """20 of 20, whatever the clocks say."""
    assert clocks.lost(skewed[1][name]) == []


@pytest.mark.parametrize("name", each([*clocks.SKEWS, *clocks.STEPS], TOLD))
def test_what_people_are_told_is_so(skewed, name):
    """Exposures are right within a second, and no alert says that the original was in place when it was not."""
    whole, outcomes = skewed
    within(lambda: clocks.untrue(whole, name, outcomes[name]) == [], 15)
    assert clocks.untrue(whole, name, outcomes[name]) == []


def test_two_minutes_behind_a_cut_network(skewed):
    """The older push is the original once the process that tells of it is seen to be well."""
    whole, _ = skewed
    original, _ = clocks.push_behind_a_cut(whole, "cut", 120)
    assert within(lambda: whole.record("team/cut", "1.0", registry="cut") == original, 5)
    assert within(lambda: whole.served("team/cut", "1.0", registry="cut") == original, 5)


@failing("attacks.md 3.5: of equal times the smaller digest is first")
def test_first_of_two_pushes_in_one_second_of_harbor_stays(skewed):
    """20 of 20, whatever their digests."""
    assert clocks.lost(clocks.push_twice_in_a_second(skewed[0], "harbor", TAGS)) == []


def big_manifest(repository, number):
    """Nearly 4 MB that no compression makes small."""
    noise = random.Random(number).randbytes(1_950_000).hex()
    return json.dumps(json.loads(image(repository)) | {"annotations": {"noise": noise}}).encode()


def stored_bytes(whole):
    """What the store's process holds in memory."""
    return psutil.Process(int((whole.directory / "data" / "valkey.pid").read_text())).memory_info().rss


def test_store_stays_within_its_budgets(running):
    """100 tags with manifests of 4 MB, an index of 1,000 children pushed 100 times: other tags are guarded as ever."""
    running.upload("team/big", "team/big")
    for number in range(100):
        running.push("team/big", f"t{number}", big_manifest("team/big", number))
    contents = [image("team/many", label=str(number)) for number in range(1000)]
    running.upload("team/many", "team/many")
    side_by_side(lambda content: running.push("team/many", Digest.of(content), content), contents)
    before = stored_bytes(running)
    whole = json.loads(index(*contents[:4]))
    whole["manifests"] = [
        {"mediaType": whole["manifests"][0]["mediaType"], "digest": Digest.of(content), "size": len(content)}
        for content in contents
    ]
    for number in range(100):
        running.push("team/many", "1.0", json.dumps(whole | {"annotations": {"n": str(number)}}).encode(), OCI_INDEX)
    running.wait_judged()
    assert stored_bytes(running) < GIB
    assert stored_bytes(running) - before < 16 << 20
    other = target(running, "team/other", "1.0")
    running.wait_recorded("team/other", "1.0")
    other.overwrite(0)
    assert other.seconds_until_right(5) is not None
