"""Enrichment: the manifests are read of events that leave out what a decision depends on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from typing import Protocol

from enforcer.errors import RegistryError
from enforcer.events import Event
from enforcer.judgement.enrichment import enriched, is_noted, needs_manifest
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.policies.policy_set import PolicySet
from enforcer.times import Time

logger = logging.getLogger(__name__)

INNER_LEVELS = 7
"""Levels of indexes below the first that are read; build tools make none."""

INNER_INDEXES = 50
"""Indexes below one that are read: each is a request that judging waits for."""

ReadManifest = Callable[[RegistryName, Repository, Digest], Manifest]
"""Reads a manifest from where it is kept or from the registry. Raises `RegistryError`."""


class NotedPushes(Protocol):
    """The clients that pushed manifests lately."""

    def note(self, events: Sequence[Event]) -> None:
        """Note pushes, whatever their tags."""

    def of_children(self, index: Event) -> tuple[tuple[Digest, Time], ...]:
        """The children of an index that its own client pushed, each with the time at which it did so last."""


class Enrichment:
    """Enriches the events of one batch; a registry that did not answer once is not asked again for it.

    `policies` say which tags matter; events of registries that are not configured stay as they are.
    """

    def __init__(
        self, policies: PolicySet, registries: Container[RegistryName], read: ReadManifest, pushes: NotedPushes
    ) -> None:
        self._policies = policies
        self._registries = registries
        self._read = read
        self._pushes = pushes
        self._unavailable: set[RegistryName] = set()

    def note_pushes(self, events: Sequence[Event]) -> None:
        """Note who pushed what, for the events that are enriched from now on."""
        noted = [event for event in events if is_noted(event, self._policies)]
        if noted:
            self._pushes.note(noted)

    def enrich_all(self, events: Sequence[Event], pool: Executor) -> list[Event]:
        """The events, enriched side by side."""
        done = pool.map(self.enrich, filter(self._needs_manifest, events))
        return [next(done) if self._needs_manifest(event) else event for event in events]

    def enrich(self, event: Event) -> Event:
        """The event with media type and children; an approval of a digest that is in the registry adopts it.

        Where the manifest cannot be read the event stays as it is.
        """
        if not self._needs_manifest(event) or event.registry not in self._registries:
            return event
        if event.digest is None or event.registry in self._unavailable:
            return event
        try:
            manifest = self._read(event.registry, event.repository, event.digest)
        except RegistryError as error:
            # A batch must not wait for the time-out of an unavailable registry once for each of its events.
            if error.temporary:
                logger.warning("what events leave out is not read for now: %s", error)
                self._unavailable.add(event.registry)
            return event
        told = enriched(event, manifest, self._indexes_below(event, manifest))
        if not is_noted(told, self._policies) or manifest.has_platform_twice:
            return told
        return replace(told, pushed=self._pushes.of_children(told))

    def _indexes_below(self, event: Event, manifest: Manifest) -> list[Manifest]:
        """The indexes that an index lists, and those that they list, as far as the registry has them."""
        found: dict[Digest, Manifest] = {}
        level = list(manifest.inner_indexes)
        for _ in range(INNER_LEVELS):
            wanted = [digest for digest in level if digest not in found][: INNER_INDEXES - len(found)]
            read = [self._read_inner(event, digest) for digest in dict.fromkeys(wanted)]
            found |= {inner.digest: inner for inner in read if inner is not None}
            level = [digest for inner in read if inner is not None for digest in inner.inner_indexes]
        return list(found.values())

    def _read_inner(self, event: Event, digest: Digest) -> Manifest | None:
        try:
            return self._read(event.registry, event.repository, digest)
        except RegistryError as error:  # an index may list what its registry does not have
            logger.warning("what stands below %s is not known: %s", event.digest, error)
            return None

    def _needs_manifest(self, event: Event) -> bool:
        return needs_manifest(event, self._policies)
