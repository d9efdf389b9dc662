"""Parsed notifications, whatever their format, and the bounds on what is believed of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enforcer.errors import InvalidNotification
from enforcer.events import UNSHOWN, Event, fingerprint, is_id
from enforcer.names import Namespace

CHILDREN = 1000
"""Manifests of an index that are kept; real ones list a dozen."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A part of a notification that was not understood, and why."""

    reason: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ParsedNotification:
    """The events of a notification. What concerns no tag is in none of the lists.

    `untagged` are pushes of manifests by digest: they matter where a policy lets tags settle (6).
    `suspects` are namespaces in which something changed that the notification does not name: a reason to sweep them.
    """

    events: tuple[Event, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    suspects: tuple[Namespace, ...] = ()
    untagged: tuple[Event, ...] = ()


def parse_json(body: bytes) -> Any:
    """The body as JSON. Raises `InvalidNotification`."""
    try:
        return json.loads(body)
    except RecursionError as error:  # thousands of brackets fit into any limit on bytes
        raise InvalidNotification("JSON nested too deeply") from error
    except ValueError as error:
        raise InvalidNotification(f"no JSON: {error}") from error


def need(fields: Any, name: str, kind: type, where: str) -> Any:
    """A field that must be there and of that type. Raises `InvalidNotification`."""
    if not isinstance(fields, Mapping):
        raise InvalidNotification(f"{where}: expected an object, got {type(fields).__name__}")
    if name not in fields:
        raise InvalidNotification(f"{where}.{name}: missing")
    value = fields[name]
    if not isinstance(value, kind):
        raise InvalidNotification(f"{where}.{name}: expected {kind.__name__}, got {type(value).__name__}")
    return value


def evidence(fields: Any, name: str, limit: int = 256) -> str:
    """A text that the client chose; "" if there is none.

    What could disturb a terminal or a log, and what is too long, is replaced by a mark: dropped, it would make one
    name of two.
    """
    value = fields.get(name) if isinstance(fields, Mapping) else None
    if not isinstance(value, str):
        return ""
    shown = value if len(value) <= limit else value[: limit - 1] + UNSHOWN
    return "".join(character if character.isprintable() else UNSHOWN for character in shown)


def event_id(fields: Mapping[str, Any]) -> str:
    """The event's own id if it is one, else what it says: equal events are one event."""
    given = fields.get("id")
    # A registry sends an event again until it hears of its acceptance: without an id, equal content tells the repeat.
    return given if is_id(given) else fingerprint(fields)
