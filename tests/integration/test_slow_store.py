"""A registry that tells of a push long before it writes the tag: no overwrite stays, whatever lands when."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from tests.fakes.images import blobs_of, image
from tests.integration.installation import TOKEN, installation, wait_for
from tests.integration.operator import ACCOUNT, Operator, served
from tests.integration.servers import push_blob, push_manifest, start_registry
from tests.integration.slow_store import SlowStore

pytestmark = pytest.mark.integration

MORE = """
[registries.slow]
url = "{url}"
notification_token = "{token}"
[[policies]]
registry = "slow"
namespace = "team"
tags = {{ pattern = "**" }}
"""
TAGS = 200
AT_ONCE = 8


@pytest.fixture
def slow(tmp_path):
    """A slow registry beside the usual one, and who operates it."""
    with ExitStack() as stack:
        behind = start_registry(tmp_path / "behind")
        stack.callback(behind.stop)
        store = SlowStore(behind.url, TOKEN)
        whole = stack.enter_context(installation(tmp_path, ACCOUNT + MORE.format(url=store.url, token=TOKEN)))
        store.receiver = f"{whole.url}/notifications/slow"
        stack.enter_context(store)
        operator = Operator(whole, "slow")
        operator.wait_until_idle()
        yield store, operator


def test_no_overwrite_stays(slow):
    """Of 200 overwrites none is left after 15 seconds, though many of them land on top of what put them right."""
    store, operator = slow
    for seed in ("original", "evil"):
        for content in blobs_of(seed):
            push_blob(store.behind, "team/app", content)
    tags = [f"t{number}" for number in range(TAGS)]

    def push(tag: str, seed: str) -> str:
        return push_manifest(store.url, "team/app", tag, image(seed, label=tag))

    with ThreadPoolExecutor(32) as pool:
        originals = dict(zip(tags, pool.map(lambda tag: push(tag, "original"), tags), strict=True))
    wait_for(lambda: operator.recorded("team/app") == originals, what="the recording of all originals")
    store.late = 0.25
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda tag: push(tag, "evil"), tags))
    finished = time.monotonic()
    wait_for(lambda: len(operator.violations("team/app")) == TAGS, what="the judging of all overwrites")
    time.sleep(max(0, finished + 15 - time.monotonic()))
    assert wrong(store, originals) == []
    assert store.crossed > TAGS / 10, "hardly an overwrite landed late: this proves nothing"
    operator.wait_until_idle()
    assert wrong(store, originals) == []
    assert set(operator.states("team/app")) == {"restored"}
    assert max(violation["restores"] for violation in operator.violations("team/app")) > 1


def wrong(store, originals):
    """The tags that are not what they must be."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda tag: served(store.behind, "team/app", tag), originals)
        return [
            tag for tag, content in zip(originals, found, strict=True) if not originals[tag].matches(content or b"")
        ]
