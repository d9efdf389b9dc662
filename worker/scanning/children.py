"""Children: the manifests below recorded indexes, of which a look at a tag shows nothing.

All levels count, as far as they are kept: an index may list what its registry never had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis

from enforcer.errors import ManifestMissing, RegistryError
from enforcer.judgement.record import TagState
from enforcer.manifests import Manifest, is_index
from enforcer.names import Digest, RegistryName, Repository, TagName
from enforcer.times import Time
from worker.enforcement.manifest_tree import MANIFESTS, ManifestTree
from worker.scanning.observation import Observation
from worker.scanning.observation_judge import Kept
from worker.scanning.scan import Scan

INTERVAL = 3600
"""Seconds between two looks at all children: an index has many, so they cost several times what the tags cost."""


@dataclass(frozen=True, slots=True)
class Family:
    """An index that is in place: all kept manifests below it, and those of them that the registry has lost.

    `problem` says why that is not known.
    """

    observation: Observation
    media_type: str
    below: tuple[Digest, ...]
    lost: tuple[Digest, ...]
    problem: str

    def observed(self, states: Mapping[TagName, TagState]) -> Observation:
        """The observation beside what the ledger says now."""
        return replace(self.observation, state=states[self.observation.name])

    @property
    def is_described(self) -> bool:
        """The record lists all of them, so their deletion concerns the tag."""
        record = self.observation.state.record
        return record is not None and set(self.below) <= set(record.children)


class Children:
    """Looks for the children of indexes: each manifest of a repository once."""

    def __init__(self, scan: Scan, kept: Kept) -> None:
        self._scan = scan
        self._kept = kept
        self._repository: Repository | None = None
        self._there: dict[Digest, bool | RegistryError] = {}

    def look(self, in_place: Sequence[Observation]) -> Iterator[Family]:
        """Look for all that is kept below these tags of one repository."""
        trees = [(observation, tree) for observation in in_place if (tree := self._tree(observation)) is not None]
        if trees:
            self._look_for(trees[0][0].name.repository, (digest for _, tree in trees for digest in tree.found[1:]))
        for observation, tree in trees:
            below = tuple(tree.found[1:])
            errors = (found for digest in below if isinstance(found := self._there[digest], RegistryError))
            error = next(errors, None)
            problem = f"{observation.name}: what it lists is not known: {error}" if error else ""
            lost = tuple(digest for digest in below if self._there[digest] is False)
            yield Family(observation, tree.media_type, below, lost, problem)

    def _tree(self, observation: Observation) -> ManifestTree | None:
        """What is kept of an index and below it; None of an image, or if nothing is kept yet."""
        record, repository = observation.state.record, observation.name.repository
        if record is None or (record.media_type and not is_index(record.media_type)):
            return None
        tree = ManifestTree(record.digest, lambda digest: self._read(repository, digest))
        with suppress(ManifestMissing):
            tree.read_on(MANIFESTS)
        return tree if len(tree.found) > 1 else None

    def _read(self, repository: Repository, digest: Digest) -> Manifest:
        manifest = self._kept(self._scan.registry, repository, digest)
        if manifest is None:
            raise ManifestMissing(f"{digest} is not kept")
        return manifest

    def _look_for(self, repository: Repository, digests: Iterable[Digest]) -> None:
        if repository != self._repository:
            self._repository, self._there = repository, {}

        def look(digest: Digest) -> bool | RegistryError:
            try:
                return self._scan.has_manifest(repository, digest)
            except RegistryError as error:
                return error

        unknown = [digest for digest in dict.fromkeys(digests) if digest not in self._there]
        self._there |= dict(zip(unknown, self._scan.side_by_side(look, unknown), strict=True))


class ChildrenTimes:
    """Remembers which sweep of a place looks at children: the first after a start, then one an hour."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis

    def is_due(self, place: str, began: Time) -> bool:
        """True for the sweep of that place that is the first in an hour, in each of its turns."""
        key = _key(place)
        self._redis.set(key, began, nx=True, ex=INTERVAL)
        found = self._redis.get(key)
        return found is not None and found.decode() == began

    def forget(self, registry: RegistryName) -> None:
        """Have the next sweep of a registry look at children."""
        self._redis.delete(_key(registry))


def _key(place: str) -> str:
    return f"te:sweep:children:{place}"
