"""Putting back what the registry has lost of all that is below a recorded index.

A registry that takes the index again looks at its children at most, and not at theirs.
"""

from __future__ import annotations

from collections.abc import Callable

from enforcer.errors import ManifestMissing
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.registries.client import RegistryClient
from worker.context import Context
from worker.enforcement.manifest_tree import MANIFESTS, ManifestTree


def put_back_below(
    context: Context,
    client: RegistryClient,
    registry: RegistryName,
    repository: Repository,
    root: Digest,
    renew: Callable[[], None],
) -> None:
    """PUT the kept manifests below `root` that are gone, the innermost first. Raises `RegistryError`."""
    kept: dict[Digest, Manifest] = {}

    def read(digest: Digest) -> Manifest:
        manifest = context.kept(registry, repository, digest)
        if manifest is None:
            raise ManifestMissing(f"{digest} is not kept")
        kept[digest] = manifest
        return manifest

    tree = ManifestTree(root, read)
    tree.read_on(MANIFESTS)
    for digest in reversed(tree.found[1:]):
        renew()
        if client.head(repository, digest) is None:
            client.put(repository, digest, kept[digest])
