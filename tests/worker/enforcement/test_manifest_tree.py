from __future__ import annotations

import pytest

from enforcer.errors import ManifestMissing, RegistryUnavailable
from enforcer.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from enforcer.names import Digest
from tests.fakes.images import image, index
from worker.enforcement import manifest_tree
from worker.enforcement.manifest_tree import ManifestTree


class Contents:
    """Manifests by their digests; `fail` answers for what is not there."""

    def __init__(self, *contents: bytes) -> None:
        self.manifests = {Digest.of(content): content for content in contents}
        self.read_count = 0

    def read(self, digest: Digest) -> Manifest:
        self.read_count += 1
        if digest not in self.manifests:
            raise ManifestMissing(f"no {digest}")
        content = self.manifests[digest]
        return Manifest(digest, OCI_INDEX if b'"manifests"' in content else OCI_MANIFEST, content)


ONE, TWO = image("one"), image("two")


def test_every_manifest_is_read_once():
    """What two indexes list is one manifest."""
    inner = index(ONE, TWO)
    outer = index(inner, ONE)
    contents = Contents(outer, inner, ONE, TWO)
    tree = ManifestTree(Digest.of(outer), contents.read)
    assert tree.read_on(100)
    assert set(tree.found) == set(contents.manifests)
    assert contents.read_count == 4


def test_some_at_a_time():
    """A tree is read in steps, each from where the last one ended."""
    outer = index(ONE, TWO)
    tree = ManifestTree(Digest.of(outer), Contents(outer, ONE, TWO).read)
    assert [tree.read_on(1) for _ in range(3)] == [False, False, True]
    assert len(tree.found) == 3


def test_a_missing_child_is_noted():
    """An index may list what is not there."""
    outer = index(ONE, TWO)
    tree = ManifestTree(Digest.of(outer), Contents(outer, ONE).read)
    assert tree.read_on(100)
    assert tree.lacking == [Digest.of(TWO)]


def test_a_missing_root_is_an_error():
    """Without its root there is no tree."""
    with pytest.raises(ManifestMissing):
        ManifestTree(Digest.of(ONE), Contents().read).read_on(1)


def test_a_registry_that_is_away_is_asked_the_same_again():
    """What could not be read for now is read by the next step."""
    outer = index(ONE)
    contents = Contents(outer, ONE)
    away = [True]

    def read(digest: Digest) -> Manifest:
        if digest == Digest.of(ONE) and away:
            away.pop()
            raise RegistryUnavailable("away")
        return contents.read(digest)

    tree = ManifestTree(Digest.of(outer), read)
    with pytest.raises(RegistryUnavailable):
        tree.read_on(100)
    assert tree.read_on(100)
    assert tree.found == [Digest.of(outer), Digest.of(ONE)]


def test_too_many_levels_are_cut():
    """An attacker can nest indexes without end."""
    contents = [image("innermost")]
    for _ in range(manifest_tree.LEVELS):
        contents.append(index(contents[-1]))
    tree = ManifestTree(Digest.of(contents[-1]), Contents(*contents).read)
    assert tree.read_on(100)
    assert tree.is_cut
    assert len(tree.found) == manifest_tree.LEVELS


def test_too_many_manifests_are_cut(monkeypatch):
    """An attacker can list manifests without end."""
    monkeypatch.setattr(manifest_tree, "MANIFESTS", 2)
    outer = index(ONE, TWO)
    tree = ManifestTree(Digest.of(outer), Contents(outer, ONE, TWO).read)
    assert tree.read_on(100)
    assert tree.is_cut
    assert len(tree.found) == 2
