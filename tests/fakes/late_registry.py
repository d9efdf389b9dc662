"""A registry in memory whose tags change later than it says, and the few manifests that there are."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

from enforcer.errors import ManifestMissing
from enforcer.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from enforcer.names import Digest, Repository, Tag
from enforcer.times import Time
from tests.fakes.events import APP
from tests.fakes.images import image, index


def _manifests() -> dict[str, Manifest]:
    images = {name: image(name) for name in ("a", "b", "c", "new")}
    images["ab"] = index(images["a"], images["b"])
    images["abc"] = index(images["ab"], images["c"])
    return {
        name: Manifest(Digest.of(content), OCI_INDEX if name in ("ab", "abc") else OCI_MANIFEST, content)
        for name, content in images.items()
    }


MANIFESTS = _manifests()
BY_DIGEST = {manifest.digest: manifest for manifest in MANIFESTS.values()}
CHILDREN = {
    manifest.digest: tuple(dict.fromkeys(chain(manifest.children, *(BY_DIGEST[c].children for c in manifest.children))))
    for manifest in MANIFESTS.values()
}
"""All manifests below each one: there are two levels at most."""
NEW = MANIFESTS["new"].digest
"""What is not in the registry before somebody pushes it: only this can be approved beforehand."""

BUILDS = (("a", "b", "ab"), ("b", "a", "ab"), ("a", "c", "b", "ab", "abc"))
"""What old build tools push one after the other, all by the final tag."""


class LateRegistry:
    """A registry in memory that has every manifest under its digest; a push may reach its tag late."""

    def __init__(self, announce: Callable[[Tag, Digest], None]) -> None:
        self.known = set(BY_DIGEST) - {NEW}
        self.held: dict[Tag, Digest] = {}
        self._announce = announce
        self._landing: list[tuple[Time, Tag, Digest]] = []

    def push(self, tag: Tag, digest: Digest, lands: Time) -> None:
        self.known.add(digest)
        self._landing.append((lands, tag, digest))

    def land(self, now: Time) -> None:
        """What was pushed early enough is in place."""
        for _, tag, digest in (each for each in self._landing if each[0] <= now):
            self.held[tag] = digest
        self._landing = [each for each in self._landing if each[0] > now]

    def delete(self, tag: Tag | None, digest: Digest | None) -> None:
        for each, holds in list(self.held.items()):
            if each == tag or digest in (holds, *CHILDREN[holds]):
                del self.held[each]

    def repositories(self) -> list[Repository]:
        return [APP]

    def tags(self, _: Repository) -> list[Tag]:
        return list(self.held)

    def head(self, _: Repository, reference: Tag) -> Digest | None:
        return self.held.get(reference)

    def get(self, repository: Repository, reference: Tag | Digest) -> Manifest:
        digest = reference if isinstance(reference, Digest) else self.held.get(reference)
        if digest not in self.known:
            raise ManifestMissing(f"{repository} has no {reference}")
        return BY_DIGEST[digest]

    def put(self, _: Repository, reference: Tag | Digest, manifest: Manifest) -> None:
        if isinstance(reference, Tag):
            self.held[reference] = manifest.digest
            self._announce(reference, manifest.digest)
