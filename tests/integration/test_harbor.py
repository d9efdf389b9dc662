"""A Harbor is watched and restored through its own API: a fake one, whose manifests are in a real registry."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
import requests

from enforcer.manifests import OCI_INDEX, OCI_MANIFEST
from enforcer.names import Digest
from tests.fakes.harbor_server import FakeHarbor
from tests.fakes.images import blobs_of, image, index
from tests.integration.installation import installation, wait_for
from tests.integration.operator import ACCOUNT, Operator, served
from tests.integration.servers import delete_manifest, push_blob, push_manifest, start_registry

pytestmark = pytest.mark.integration

MORE = """
[registries.harbor]
url = "{url}"
kind = "harbor"
username = "enforcer"
password = "swordfish"
notification_token = "a-token-for-harbor"
[[policies]]
registry = "harbor"
namespace = "library"
tags = {{ pattern = "**" }}
"""
ORIGINAL, OTHER = image("original"), image("other")
CHILDREN = [image("amd64"), image("arm64")]
INDEX = index(*CHILDREN)
CI = ("ci", "ci")


@pytest.fixture(scope="module")
def harbor(tmp_path_factory):
    """A Harbor whose webhook was made by our own command, and who operates Tag Enforcer beside it."""
    directory = tmp_path_factory.mktemp("harbor")
    with ExitStack() as stack:
        behind = start_registry(directory / "behind")
        stack.callback(behind.stop)
        harbor = stack.enter_context(FakeHarbor(behind.url))
        whole = stack.enter_context(installation(directory, ACCOUNT + MORE.format(url=harbor.url)))
        operator = Operator(whole, "harbor")
        for _ in range(2):
            operator.run("registry-config", "harbor", "--create")
        assert len(harbor.webhooks["library"]) == 1
        operator.wait_until_idle()
        yield harbor, operator
        assert harbor.refused == []
        assert operator.run("dead-letters") == "", "Harbor sent what was not understood"


@pytest.fixture
def repository(request, harbor):
    """A repository of the test's own, which has all blobs that are needed."""
    repository = "library/" + request.node.name.removeprefix("test_").replace("_", "-")
    for seed in ("original", "other", "amd64", "arm64"):
        for content in blobs_of(seed):
            push_blob(harbor[0].registry, repository, content)
    return repository


def record(harbor, repository, content=ORIGINAL, media_type=OCI_MANIFEST, *, tag="1.0"):
    """Push an original, and wait until it is recorded and kept, and Harbor's clock shows another second."""
    fake, operator = harbor
    digest = push_manifest(fake.url, repository, tag, content, media_type, auth=CI)
    wait_for(lambda: operator.recorded(repository).get(tag) == digest, what="the record")
    kept = f"te:{{harbor/{repository}}}:manifests"
    wait_for(lambda: operator.store.hexists(kept, digest), what="the keeping of the original")
    time.sleep(1.001 - time.time() % 1)
    return digest


def test_an_overwrite(harbor, repository):
    """Harbor tells whole seconds and no client; an overwrite is undone through Harbor all the same."""
    fake, operator = harbor
    original = record(harbor, repository)
    push_manifest(fake.url, repository, "1.0", OTHER, auth=("admin", "admin"))
    wait_for(lambda: served(fake.url, repository, "1.0") == ORIGINAL, what="the restore")
    (alert,) = wait_for(lambda: operator.whole.hook.of(repository), what="the alert")
    assert (alert["outcome"], alert["actor"], alert["recorded_digest"]) == ("open", "admin", original)
    decided = {"ci": "recorded", "admin": "overwritten", "enforcer": "unchanged"}

    def by():
        return {entry["actor"]: entry["decision"] for entry in operator.history(repository, "1.0") if entry["actor"]}

    wait_for(lambda: by() == decided, what="the event of our own PUT")


def test_an_index(harbor, repository):
    """Harbor does not say what an index lists, nor that it is one: it is read, and a deleted child is put back."""
    fake, operator = harbor
    for child in CHILDREN:
        push_manifest(fake.url, repository, Digest.of(child), child, auth=CI)
    record(harbor, repository, INDEX, OCI_INDEX)
    kept = f"te:{{harbor/{repository}}}:manifests"
    wait_for(lambda: operator.store.hlen(kept) == 3, what="the keeping of the children")
    delete_manifest(fake.url, repository, Digest.of(CHILDREN[0]), auth=CI)
    wait_for(lambda: served(fake.url, repository, Digest.of(CHILDREN[0])) == CHILDREN[0], what="the child")
    assert operator.decisions(repository, "1.0")[:2] == ["recorded", "deleted"]


def test_a_deleted_artifact(harbor, repository):
    """Harbor names one tag of a deleted artifact; all that were recorded with it are back."""
    fake, _ = harbor
    record(harbor, repository, tag="stable")
    digest = record(harbor, repository)
    delete_manifest(fake.url, repository, digest, auth=CI)
    for tag in ("stable", "1.0"):
        wait_for(lambda tag=tag: served(fake.url, repository, tag) == ORIGINAL, what=f"the restore of {tag}")


def test_what_harbor_does_not_tell(harbor, repository):
    """A tag that is moved behind its webhooks' back is found as soon as a retention is a reason to look."""
    fake, operator = harbor
    record(harbor, repository)
    push_manifest(fake.registry, repository, "1.0", OTHER)
    assert served(fake.url, repository, "1.0") == OTHER
    fake.tell("library", "TAG_RETENTION", {"retention": {"project_name": "library", "result": "SUCCESS"}})
    wait_for(lambda: served(fake.url, repository, "1.0") == ORIGINAL, what="the restore by the sweep")
    (violation,) = operator.violations(repository)
    assert (violation["kind"], violation["pushed"]) == ("overwritten", Digest.of(OTHER))


def test_a_wrong_token(harbor):
    """Who does not have the token of the webhook is refused."""
    _, operator = harbor
    headers = {"Authorization": "Bearer wrong"}
    assert requests.post(f"{operator.whole.url}/notifications/harbor", headers=headers, timeout=5).status_code == 401
