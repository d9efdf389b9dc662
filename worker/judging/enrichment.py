"""Descriptions: what an event leaves out and only its manifest tells, read where a decision depends on it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

from enforcer.errors import RegistryError
from enforcer.events import Action, Event
from enforcer.manifests import Manifest, is_index
from enforcer.names import Digest, RegistryName, Repository
from enforcer.policies.policy_set import PolicySet
from worker.context import Context

logger = logging.getLogger(__name__)

Reader = Callable[[RegistryName, Repository, Digest], Manifest]


class Enrichment:
    """Describes the events of one batch; a registry that did not answer once is not asked again for it.

    `policies` say which tags matter, the current ones unless others are given; `read` gets a manifest, and keeps it
    unless another way is given.
    """

    def __init__(self, context: Context, *, policies: PolicySet | None = None, read: Reader | None = None) -> None:
        self._context = context
        self._policies = policies or context.policies.current()
        self._read = read or context.manifest
        self._away: set[RegistryName] = set()

    def of_all(self, events: Sequence[Event], pool: Executor) -> list[Event]:
        """The events, described side by side."""
        described = pool.map(self.of, filter(self._is_lacking, events))
        return [next(described) if self._is_lacking(event) else event for event in events]

    def of(self, event: Event) -> Event:
        """The event with media type and children; an approval of a digest that is in the registry adopts it.

        Where the manifest cannot be read the event stays as it is.
        """
        if not self._is_lacking(event) or event.registry not in self._context.registries:
            return event
        if event.digest is None or event.registry in self._away:
            return event
        try:
            manifest = self._read(event.registry, event.repository, event.digest)
        except RegistryError as error:
            if error.temporary:
                logger.warning("what events leave out is not read for now: %s", error)
                self._away.add(event.registry)
            return event
        action = Action.ADOPT if event.action is Action.APPROVE else event.action
        return replace(event, action=action, media_type=manifest.media_type, children=manifest.children)

    def _is_lacking(self, event: Event) -> bool:
        if event.tag_name is None or event.action is Action.DELETE:
            return False
        if event.action is not Action.PUSH:
            return True
        if event.media_type and not (is_index(event.media_type) and not event.children):
            return False
        return self._policies.protection(*event.tag_name.parts, event.time, event.actor) is not None
