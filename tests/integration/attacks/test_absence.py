"""What happened while we were away, or have only just come back, is undone as well."""

from __future__ import annotations

import time

import pytest

from tests.integration.attacks.bench import bench
from tests.integration.attacks.fights import within
from tests.integration.attacks.pushers import delete_soon, push_nested

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def returned(tmp_path_factory):
    """An installation that has just come back, the tag and the manifests that were deleted meanwhile, and what of
    a tag pushed and deleted in its first second was lost.
    """
    with bench(tmp_path_factory.mktemp("absence")) as whole:
        _, (child, _, inner) = push_nested(whole, "team/nested")
        assert within(lambda: whole.served("team/nested", inner) == inner, 5)
        time.sleep(2)  # all of it is kept
        whole.stop_enforcer()
        for digest in (inner, child):
            whole.delete("team/nested", digest)
        whole.registry.restart()  # which forgets what it could not tell
        whole.start_enforcer()
        lost = delete_soon(whole, "team/first-second", 2, after=0.1)
        yield whole, {"child": inner, "child of a child": child}, lost


@pytest.mark.parametrize("what", ["child", "child of a child"])
def test_deleted_children_are_back_after_a_start(returned, what):
    """They are found without an event, put back from what was kept, and told."""
    whole, deleted, _ = returned
    assert within(lambda: whole.served("team/nested", deleted[what]) == deleted[what], 10)
    assert within(lambda: bool(whole.alerts("team/nested")), 3)


def test_deleted_in_the_first_second(returned):
    """Who says that it is ready keeps what is pushed from then on."""
    *_, lost = returned
    assert lost == []
