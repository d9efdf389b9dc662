"""Events of the tag `team/app:1.0` of the registry `main`, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from enforcer.events import Action, Event
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.times import Time

MAIN = RegistryName("main")
APP = Repository("team/app")
NAME = TagName(MAIN, APP, Tag("1.0"))


def digest(number: int) -> Digest:
    """The digest with that number."""
    return Digest(f"sha256:{number:064x}")


def push(event_id: str, pushed: Digest, time: Time | None = None, /, **changes: Any) -> Event:
    """Somebody pushed a digest, now unless a time is given."""
    return _event(event_id, Action.PUSH, time, {"digest": pushed, "tag": NAME.tag, **changes})


def deletion(event_id: str, time: Time | None = None, **changes: Any) -> Event:
    """Somebody deleted the tag, now unless a time is given."""
    return _event(event_id, Action.DELETE, time, {"tag": NAME.tag, **changes})


BUILD = {"actor": "ci", "address": "192.0.2.7:4711"}
"""Claimed by all pushes of one build."""


def build_index(event_id: str, pushed: Digest, time: Time, children: tuple[Digest, ...], /, **changes: Any) -> Event:
    """The client of a build pushed an index, all of whose children it had pushed just before."""
    own = tuple((child, time) for child in children)
    return push(event_id, pushed, time, children=children, **BUILD | {"pushed": own} | changes)


def _event(event_id: str, action: Action, time: Time | None, fields: dict[str, Any]) -> Event:
    usual = {"registry": MAIN, "repository": APP, "time": time or Time.now()}
    return Event(action=action, id=event_id, **usual | fields)
