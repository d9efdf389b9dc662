"""A garbage collection between overwrite and restore: what can be put back is put back, all else is told by digest."""

from __future__ import annotations

import pytest

from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from enforcer.store.wakeups import Task
from tests.fakes.images import blobs_of, image, index
from tests.integration.installation import installation, wait_for
from tests.integration.operator import ACCOUNT, Operator, served
from tests.integration.servers import push_blob, push_image, push_manifest

pytestmark = pytest.mark.integration

UNIQUE = image("unique")
SHARED = image("base").replace(b'"schemaVersion"', b'"annotations": {"is": "shared"}, "schemaVersion"', 1)
CHILDREN = [
    image("base").replace(b'"schemaVersion"', b'"annotations": {"for": "%s"}, "schemaVersion"' % name, 1)
    for name in (b"amd64", b"arm64")
]
MULTI = index(*CHILDREN)
ORIGINALS = {"unique": UNIQUE, "shared": SHARED, "multi": MULTI}


@pytest.fixture
def operator(tmp_path):
    """The operator of an installation of its own, whose registry holds tags that are recorded and kept."""
    with installation(tmp_path, ACCOUNT) as whole:
        operator = Operator(whole)
        operator.wait_until_idle()
        url = whole.registry.url
        push_image(url, "team/app", "latest", seed="base")  # holds the blobs of all but one
        for content in blobs_of("unique"):
            push_blob(url, "team/app", content)
        for child in CHILDREN:
            push_manifest(url, "team/app", Digest.of(child), child)
        for tag, content in ORIGINALS.items():
            push_manifest(url, "team/app", tag, content, *([OCI_INDEX] if content is MULTI else []))
        push_image(url, "other/app", "evil", seed="evil")
        wanted = {Digest.of(content).encode() for content in (*ORIGINALS.values(), *CHILDREN)}
        kept = "te:{main/team/app}:manifests"
        wait_for(lambda: wanted <= set(operator.store.hkeys(kept)), what="the keeping of all originals")
        yield operator


def overwrite_and_collect(whole):
    """Somebody overwrites all tags and collects garbage, while nobody restores anything."""
    whole.workers.stop()
    for tag in ORIGINALS:
        push_image(whole.registry.url, "team/app", tag, seed="evil")
    wait_for(lambda: whole.pending() == 0, what="the delivery of all events")
    whole.registry.stop()
    whole.registry.collect_garbage("--delete-untagged")
    whole.registry.start()
    for content in (UNIQUE, SHARED, MULTI, *CHILDREN):
        assert served(whole.registry.url, "team/app", Digest.of(content)) is None, "that should be collected"


def test_what_is_left(operator):
    """Manifests are put back from what is kept; where layers are gone, the alert names them, until they are back."""
    whole, url = operator.whole, operator.whole.registry.url
    overwrite_and_collect(whole)
    whole.start_workers()
    for tag in ("shared", "multi"):
        wait_for(lambda tag=tag: served(url, "team/app", tag) == ORIGINALS[tag], what=f"the restore of {tag}")
    for child in CHILDREN:
        assert served(url, "team/app", Digest.of(child)) == child
    wait_for(lambda: states(operator)["unique"] == "not restorable", what="the giving up")
    wait_for(lambda: told(whole) == ["not restorable"], what="the alert")
    (alert,) = (each for each in whole.hook.of("team/app") if each["tag"] == "unique" and each["outcome"] != "open")
    assert alert["severity"] == "critical"
    for content in blobs_of("unique"):
        assert Digest.of(content) in alert["text"]
    assert served(url, "team/app", "unique") == image("evil")

    operator.wait_until_idle()
    wait_for(lambda: not operator.has_to_do(Task.SWEEP), what="the end of the sweep at the start")
    for content in blobs_of("unique"):
        push_blob(url, "team/app", content)
    operator.run("sweep", module="worker", status=3)
    wait_for(lambda: served(url, "team/app", "unique") == UNIQUE, what="the restore by the sweep")
    wait_for(lambda: told(whole) == ["not restorable", "restored"], what="the good news")


def told(whole):
    """What people are told of the tag whose layers are gone, after they heard that it was overwritten."""
    return [
        alert["outcome"]
        for alert in whole.hook.of("team/app")
        if alert["tag"] == "unique" and alert["outcome"] != "open"
    ]


def states(operator):
    """What became of the violation of each tag."""
    violations = operator.violations("team/app")
    assert len(violations) == len(ORIGINALS)
    return {violation["tag"]: violation["state"] for violation in violations}
