"""Pushes by digest, of the events that a replay judges."""

from __future__ import annotations

from collections.abc import Iterable

from enforcer.events import Event
from enforcer.names import Digest
from enforcer.times import Time


class ReplayedPushes:
    """Which client pushed which manifest, as far as this replay has come."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str, Digest, str], Time] = {}

    def note(self, events: Iterable[Event]) -> None:
        """Note pushes, whatever their tags."""
        for event in events:
            if event.digest is not None:
                self._times[event.registry, event.repository, event.digest, event.client] = event.when

    def of_children(self, index: Event) -> tuple[tuple[Digest, Time], ...]:
        """The children of an index that its own client pushed, each with the time at which it did so last."""
        places = {child: (index.registry, index.repository, child, index.client) for child in index.children}
        return tuple((child, self._times[place]) for child, place in places.items() if place in self._times)
