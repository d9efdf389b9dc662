"""Pullability: everything that a tag consists of is there, so that it can be pulled, and restored."""

from __future__ import annotations

import json
from itertools import chain
from typing import Any

from enforcer.errors import RegistryError
from enforcer.manifests import Manifest, digest_or_none
from enforcer.names import Digest, Repository
from worker.scanning.observation import Observation
from worker.scanning.scan import Scan


class Pullability:
    """Looks for the blobs of manifests: each manifest and each blob of a repository once."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._repository: Repository | None = None
        self._blobs: dict[Digest, list[Digest]] = {}
        self._there: dict[Digest, bool] = {}

    def check(self, observation: Observation) -> tuple[str, str]:
        """The lack of a tag that is in place, and why it cannot be told; the one or the other, if any."""
        repository = observation.name.repository
        if repository != self._repository:
            self._repository, self._blobs, self._there = repository, {}, {}
        assert observation.found is not None
        try:
            lacking = [
                digest for digest in self._all_blobs(repository, observation.found) if not self._has(repository, digest)
            ]
        except RegistryError as error:
            return ("", str(error)) if error.temporary else (f"{observation.name} cannot be pulled: {error}", "")
        return (
            f"{observation.name} cannot be pulled: the registry has lost {', '.join(lacking)}" if lacking else "",
            "",
        )

    def _all_blobs(self, repository: Repository, digest: Digest) -> list[Digest]:
        if digest not in self._blobs:
            # From the registry, also where it is kept: a client that pulls can only do so.
            manifest = self._scan.read(repository, digest)
            of_children = (self._all_blobs(repository, child) for child in manifest.children)
            self._blobs[digest] = [*blobs_of(manifest), *chain.from_iterable(of_children)]
        return self._blobs[digest]

    def _has(self, repository: Repository, digest: Digest) -> bool:
        if digest not in self._there:
            self._there[digest] = self._scan.has_blob(repository, digest)
        return self._there[digest]


def blobs_of(manifest: Manifest) -> list[Digest]:
    """The configuration and layers that a manifest names, except those that no registry holds."""
    try:
        fields: Any = json.loads(manifest.content)
        entries = [fields.get("config"), *fields.get("layers", ())]
    except (ValueError, RecursionError, AttributeError, TypeError):
        return []
    named = (entry for entry in entries if isinstance(entry, dict) and not entry.get("urls"))
    return [digest for entry in named if (digest := digest_or_none(entry.get("digest"))) is not None]
