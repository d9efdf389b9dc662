"""Kept manifests: the bytes with which a tag is put back when its registry has lost them, within a budget.

The bytes kept of a registry and of its repositories are counted in the same step in which they are written. They stand
beside the repositories' own keys, since a budget is that of a registry.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from redis import Redis

from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.store.lua import script

logger = logging.getLogger(__name__)

KEPT_BYTES = 256 << 20
"""Budget of a registry, unless the settings say otherwise."""

NEARLY = 0.7
"""Share of the budget from which it is told that there is little left."""

OVERDRAFT = 1.25
"""Share of the budget that is the end for all: beyond 1 only repositories that use less than another keep anything."""

BESIDES = 128
"""Bytes that Redis needs for a kept manifest beside those that are kept."""

REGISTRIES = "te:kept:registries"

_UNNEEDED_SECONDS = 86_400


def repository_key(registry: str, repository: str, kind: str) -> str:
    """The key of something of a repository; all of one share a hash tag."""
    return f"te:{{{registry}/{repository}}}:{kind}"


def _repositories_key(registry: str) -> str:
    return f"te:kept:repositories:{registry}"


@dataclass(frozen=True, slots=True)
class Keeping:
    """The outcome of keeping a manifest: the bytes `used` of its registry, and the repository that uses most."""

    is_kept: bool
    used: int
    largest: Repository


class KeptManifests:
    """The manifests that are kept of every repository."""

    def __init__(self, redis: Redis, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self.kept_bytes = kept_bytes
        self._keep = script(redis, "manifest_keep")
        self._release = script(redis, "manifests_release")

    def keep(self, registry: RegistryName, repository: Repository, manifest: Manifest) -> Keeping:
        """Keep a manifest's bytes, so that it can be put back when the registry has lost it.

        Once the registry's budget is used up, it is kept only in a repository that does not use most of it.
        """
        is_kept, used, largest = self._keep(
            keys=[repository_key(registry, repository, "manifests"), REGISTRIES, _repositories_key(registry)],
            args=[
                registry,
                repository,
                manifest.digest,
                manifest.packed(),
                BESIDES,
                self.kept_bytes,
                int(self.kept_bytes * OVERDRAFT),
            ],
        )
        return Keeping(bool(is_kept), int(used), Repository(largest.decode()))

    def keeps(self, registry: RegistryName, repository: Repository, digest: Digest) -> bool:
        """Whether the manifest's bytes are kept."""
        return bool(self._redis.hexists(repository_key(registry, repository, "manifests"), digest))

    def kept(self, registry: RegistryName, repository: Repository, digest: Digest) -> Manifest | None:
        """The kept manifest; None if it is not kept."""
        packed = self._redis.hget(repository_key(registry, repository, "manifests"), digest)
        return None if packed is None else Manifest.unpacked(digest, packed)

    def all_kept(self, registry: RegistryName, repository: Repository) -> Iterator[Manifest]:
        """Every manifest that is kept of a repository and still what it was; perhaps one of them twice."""
        for digest, packed in self._redis.hscan_iter(repository_key(registry, repository, "manifests"), count=100):
            try:
                yield Manifest.unpacked(Digest(digest.decode()), packed)
            except ValueError as error:
                logger.warning("what is kept of %s in %s is of no use: %s", repository, registry, error)

    def release(self, registry: RegistryName, repository: Repository, needed: Collection[Digest]) -> int:
        """Remove what is kept and was not needed the last time either; returns the bytes kept of the registry.

        Twice, since a manifest is kept a moment before its record says that it needs it.
        """
        key = repository_key(registry, repository, "unneeded")
        kept = {digest.decode() for digest in self._redis.hkeys(repository_key(registry, repository, "manifests"))}
        unneeded = kept.difference(needed)
        gone = unneeded & {digest.decode() for digest in self._redis.smembers(key)}
        kinds = ("manifests", "digests", "tags")
        keys = [*(repository_key(registry, repository, kind) for kind in kinds)]
        used = self._release(
            keys=[*keys, REGISTRIES, _repositories_key(registry)], args=[registry, repository, BESIDES, *gone]
        )
        with self._redis.pipeline() as pipe:
            pipe.delete(key)
            if waiting := unneeded - gone:
                pipe.sadd(key, *waiting)
                pipe.expire(key, _UNNEEDED_SECONDS)
            pipe.execute()
        return int(used)

    def used(self, registry: RegistryName) -> int:
        """The bytes that are kept of a registry."""
        return int(self._redis.hget(REGISTRIES, registry) or 0)
