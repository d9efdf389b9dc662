"""Archives: events that were kept, in any of the forms that a replay takes."""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from enforcer.errors import InvalidName
from enforcer.events import Event
from enforcer.names import RegistryName
from enforcer.notifications import distribution, harbor
from enforcer.notifications.parsing import ParsedNotification, Rejection
from enforcer.times import Time
from worker.recovery.documents import Document


@dataclass(frozen=True, slots=True)
class Archive:
    """How archived documents are read: foreign ones belong to `registry`, ours to one of `registries`.

    Only events of the time from `since` and before `until` count.
    """

    registry: RegistryName | None
    registries: Container[str]
    since: Time | None = None
    until: Time | None = None

    def read(self, document: Document) -> ParsedNotification:
        """The events of one document, and what of it is not understood."""
        content = document.text.encode(errors="replace")
        if document.problem:
            return ParsedNotification(rejected=(Rejection(document.problem, content),))
        parsed = self._read(document.value, content)
        events = tuple(event for event in (*parsed.events, *parsed.untagged) if self._is_asked_for(event))
        return ParsedNotification(events, parsed.rejected)

    def _read(self, value: Any, content: bytes) -> ParsedNotification:
        fields = value if isinstance(value, dict) else {}
        if fields.keys() & {"events", "target", "event_data", "specversion"}:
            return self._foreign(fields, content)
        try:
            return self._exported(Event.from_dict(value), content)
        except (InvalidName, KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"neither a notification of Distribution or Harbor nor an exported event: {_problem(value, error)}"
            return ParsedNotification(rejected=(Rejection(text, content),))

    def _foreign(self, fields: dict[str, Any], content: bytes) -> ParsedNotification:
        if self.registry is None:
            return ParsedNotification(
                rejected=(Rejection("it does not say of which registry it is: name that by --registry", content),)
            )
        if "target" in fields:  # one event of an envelope, as replay writes it to its rejects
            return distribution.read(json.dumps({"events": [fields]}).encode(), self.registry)
        read = distribution.read if "events" in fields else harbor.read
        return read(content, self.registry)

    def _exported(self, event: Event, content: bytes) -> ParsedNotification:
        if event.registry not in self.registries:
            text = f"the event is of registry {event.registry}, and none is configured under that name"
            return ParsedNotification(rejected=(Rejection(text, content),))
        return ParsedNotification((event,))

    def _is_asked_for(self, event: Event) -> bool:
        return (self.since is None or event.time >= self.since) and (self.until is None or event.time < self.until)


def _problem(value: Any, error: Exception) -> str:
    if not isinstance(value, dict):
        return "no JSON object"
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)
