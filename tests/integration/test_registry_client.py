"""The registry client against Debian's docker-registry."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from enforcer.errors import BlobsMissing, ManifestMissing, RegistryDenied, RegistryUnavailable
from enforcer.manifests import OCI_INDEX, Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.registries.client import RegistryClient
from enforcer.registries.endpoint import RegistryEndpoint
from tests.fakes.images import blobs_of, image, index
from tests.integration.servers import (
    delete_blob,
    delete_manifest,
    push_image,
    push_manifest,
    start_registry,
)

pytestmark = pytest.mark.integration

APP = Repository("team/app")
TAG = Tag("1.0")
OPS = ("enforcer", "swordfish")
# `htpasswd -Bbn -C 5 enforcer swordfish`
HTPASSWD = "enforcer:$2y$05$xvJUaRlIZmLeLSsOGFfdcOV3C61XB0T8ANVf39qMHSOoXksSlSVdu"


@contextmanager
def connected(url: str, username: str = "", password: str = ""):
    access = RegistryEndpoint(name=RegistryName("main"), url=url, username=username, password=password)
    with RegistryClient(access) as client:
        yield client


@pytest.fixture
def client(registry):
    with connected(registry.url) as client:
        yield client


@pytest.fixture
def guarded(tmp_path):
    registry = start_registry(tmp_path / "guarded", auth_htpasswd=HTPASSWD)
    yield registry
    registry.stop()


def test_ping(client):
    """A registry that runs is there."""
    client.ping()


def test_registry_that_was_stopped_and_comes_back(registry, client):
    """While the registry is away that is temporary, and the same client goes on when it is back."""
    digest = push_image(registry.url, APP, TAG, seed="first")
    assert client.head(APP, TAG) == digest
    registry.stop()
    with pytest.raises(RegistryUnavailable):
        client.head(APP, TAG)

    registry.start()

    assert client.head(APP, TAG) == digest


def test_overwritten_tag_is_put_back(registry, client):
    """A tag that was overwritten becomes the kept manifest again, byte for byte."""
    original = push_image(registry.url, APP, TAG, seed="original")
    packed = client.get(APP, TAG).packed()
    overwriting = push_image(registry.url, APP, TAG, seed="overwriting")
    assert client.head(APP, TAG) == overwriting

    client.put(APP, TAG, Manifest.unpacked(original, packed))

    assert client.head(APP, TAG) == original
    assert client.get(APP, TAG).content == image("original")


def test_overwritten_manifest_stays_readable(registry, client):
    """Without kept bytes the registry itself still has the original, by its digest."""
    original = push_image(registry.url, APP, TAG, seed="original")
    push_image(registry.url, APP, TAG, seed="overwriting")

    assert client.get(APP, original).content == image("original")


def test_deleted_manifest_is_put_back(registry, client):
    """A manifest that was deleted with its tag is put back from the kept bytes, as its blobs are still there."""
    original = push_image(registry.url, APP, TAG, seed="original")
    kept = client.get(APP, original)
    delete_manifest(registry.url, APP, original)
    assert client.head(APP, TAG) is None
    with pytest.raises(ManifestMissing):
        client.get(APP, original)

    client.put(APP, TAG, kept)

    assert client.get(APP, TAG) == kept


def test_deleted_index_is_put_back(registry, client):
    """An index is put back after its children, and not before."""
    children = [push_image(registry.url, APP, "build", seed=seed) for seed in ("amd64", "arm64")]
    whole = push_manifest(registry.url, APP, TAG, index(image("amd64"), image("arm64")), OCI_INDEX)
    kept = client.get(APP, TAG)
    kept_children = [client.get(APP, child) for child in kept.children]
    for digest in (*children, whole):
        delete_manifest(registry.url, APP, digest)

    with pytest.raises(BlobsMissing) as caught:
        client.put(APP, TAG, kept)
    assert sorted(caught.value.digests) == sorted(children)
    for child in kept_children:
        client.put(APP, child.digest, child)
    client.put(APP, TAG, kept)

    assert client.get(APP, TAG) == kept


def test_missing_blobs_are_named(registry, client):
    """When layers are gone, the registry's refusal names all of them."""
    push_image(registry.url, APP, TAG, seed="first", layers=3)
    kept = client.get(APP, TAG)
    config, *layers = [Digest.of(each) for each in blobs_of("first", layers=3)]
    for layer in layers[:2]:
        delete_blob(registry.url, APP, layer)

    with pytest.raises(BlobsMissing) as caught:
        client.put(APP, TAG, kept)

    assert sorted(caught.value.digests) == sorted(layers[:2])
    assert [client.check_blob(APP, digest) for digest in (config, *layers)] == [True, False, False, True]


def test_blobs_lost_to_a_garbage_collection(registry, client):
    """After a garbage collection that removes what is untagged, the overwritten image cannot be put back."""
    original = push_image(registry.url, APP, TAG, seed="original")
    kept = client.get(APP, original)
    push_image(registry.url, APP, TAG, seed="overwriting")
    registry.stop()
    registry.collect_garbage("-m")
    registry.start()

    with pytest.raises(BlobsMissing) as caught:
        client.put(APP, TAG, kept)

    assert sorted(caught.value.digests) == sorted(Digest.of(each) for each in blobs_of("original"))


def test_what_is_not_there(registry, client):
    """A missing tag, digest or repository is known as such from HEAD and GET."""
    push_image(registry.url, APP, TAG, seed="first")

    for repository, reference in [(APP, Tag("2.0")), (APP, Digest.of(b"")), (Repository("team/other"), TAG)]:
        assert client.head(repository, reference) is None
        with pytest.raises(ManifestMissing):
            client.get(repository, reference)


def test_lists(registry, client):
    """All repositories and tags are listed; a repository whose tags were all deleted has none."""
    for tag in ("1.0", "2.0", "latest"):
        push_image(registry.url, APP, tag, seed=tag)
    other = push_image(registry.url, "zoo", "1.0", seed="other")
    delete_manifest(registry.url, "zoo", other)

    assert list(client.repositories()) == [APP, "zoo"]
    assert sorted(client.tags(APP)) == ["1.0", "2.0", "latest"]
    assert list(client.tags(Repository("zoo"))) == []
    assert list(client.tags(Repository("team/none"))) == []


def test_can_push_leaves_nothing_behind(registry, client):
    """The push that only asks for the right makes neither a tag nor a repository."""
    client.can_push(APP)

    assert list(client.repositories()) == []
    assert list(client.tags(APP)) == []


def test_basic_authentication(guarded):
    """With the right password everything works."""
    digest = push_image(guarded.url, APP, TAG, seed="first", auth=OPS)
    with connected(guarded.url, *OPS) as client:
        client.ping()
        client.can_push(APP)
        assert client.head(APP, TAG) == digest
        client.put(APP, TAG, client.get(APP, digest))
        assert list(client.repositories()) == [APP]


@pytest.mark.parametrize("account", [("enforcer", "wrong"), ("nobody", "swordfish"), ("", "")])
def test_wrong_credentials(guarded, account):
    """With wrong credentials or none everything is denied, also the question whether pushing is allowed."""
    with connected(guarded.url, *account) as client:
        with pytest.raises(RegistryDenied):
            client.ping()
        with pytest.raises(RegistryDenied):
            client.head(APP, TAG)
        with pytest.raises(RegistryDenied, match="the right to pull and push"):
            client.can_push(APP)


def test_read_only(registry, client):
    """A registry that is read-only for a garbage collection can be read, and a restore has to wait."""
    digest = push_image(registry.url, APP, TAG, seed="first")
    kept = client.get(APP, digest)
    registry.reconfigure(storage={"maintenance": {"readonly": {"enabled": True}}})

    assert client.head(APP, TAG) == digest
    with pytest.raises(RegistryUnavailable, match="read-only"):
        client.put(APP, TAG, kept)
    with pytest.raises(RegistryUnavailable):
        client.can_push(APP)
