"""CNCF Distribution's notifications: `application/vnd.docker.distribution.events.v1+json` (2.x) and `….v2+json` (3.x).

Source: the `notifications` package of distribution/distribution. Its registries tell of a push before they write the
tag, so an event is no proof of what the tag is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from enforcer.errors import InvalidName, InvalidNotification
from enforcer.events import ENFORCER, HARBOR, Action, Event
from enforcer.manifests import MANIFEST_TYPES, digest_or_none, is_index
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.notifications.parsing import CHILDREN, ParsedNotification, Rejection, event_id, evidence, need, parse_json
from enforcer.times import Time

_ACTIONS = (Action.PUSH, Action.DELETE)  # the others are those of operators: no registry may claim one

SOURCE = 64
"""Characters that are read of the name of a process; an id has 36."""

EVENTS = 10_000
"""Events read of one envelope; a registry sends one at a time."""


def read(body: bytes, registry: RegistryName) -> ParsedNotification:
    """Read an envelope: each event that concerns a tag, and each that was not understood."""
    try:
        return _read_all(_events(body), registry)
    except InvalidNotification as error:
        return ParsedNotification(rejected=(Rejection(str(error), body),))
    except RecursionError:  # what could just be parsed may be too deep to be written again
        return ParsedNotification(rejected=(Rejection("JSON nested too deeply", body),))


def _events(body: bytes) -> Sequence[Any]:
    events: list[Any] = need(parse_json(body), "events", list, "envelope")
    if len(events) > EVENTS:
        raise InvalidNotification(f"envelope.events: {len(events)} events, more than {EVENTS}")
    return events


def _read_all(events: Sequence[Any], registry: RegistryName) -> ParsedNotification:
    good: list[Event] = []
    untagged: list[Event] = []
    bad: list[Rejection] = []
    for position, fields in enumerate(events):
        try:
            event = read_event(fields, registry)
        except (InvalidNotification, InvalidName) as error:
            bad.append(Rejection(f"events[{position}]: {error}", json.dumps(fields).encode()))
        else:
            if event is not None:
                is_untagged = event.action is Action.PUSH and event.tag is None
                (untagged if is_untagged else good).append(event)
    return ParsedNotification(tuple(good), tuple(bad), untagged=tuple(untagged))


def read_event(fields: Any, registry: RegistryName) -> Event | None:
    """Read one event; None if it is about no manifest (rule 1). Raises `InvalidNotification` or `InvalidName`."""
    action = need(fields, "action", str, "event")
    target = need(fields, "target", dict, "event")
    if action not in _ACTIONS:
        return None
    tag = _optional(target, "tag")
    digest = _optional(target, "digest")
    media_type = evidence(target, "mediaType")
    if action == Action.PUSH and tag is None and (media_type not in MANIFEST_TYPES or digest_or_none(digest) is None):
        return None  # a blob, or nothing
    if action == Action.PUSH and digest is None:
        raise InvalidNotification("event.target.digest: missing")
    if tag is None and digest is None:
        raise InvalidNotification("event.target: a delete with neither tag nor digest")
    request = fields.get("request")
    return Event(
        registry=registry,
        action=Action(action),
        repository=Repository(need(target, "repository", str, "event.target")),
        time=Time(need(fields, "timestamp", str, "event")),
        id=event_id(fields),
        tag=Tag(tag) if tag is not None else None,
        digest=Digest(digest) if digest is not None else None,
        media_type=media_type,
        children=_children(target) if is_index(media_type) else (),
        actor=evidence(fields.get("actor"), "name"),
        address=evidence(request, "addr"),
        user_agent=evidence(request, "useragent"),
        source=_source(fields.get("source")),
    )


def _source(fields: Any) -> str:
    """The process that says it: its own id, else its address; "" for one that takes the name of another kind."""
    source = evidence(fields, "instanceID", SOURCE) or evidence(fields, "addr", SOURCE)
    return "" if source in (HARBOR, ENFORCER) else source


def _optional(target: dict[str, Any], name: str) -> str | None:
    """A field that may be missing; 3.x sends an empty text instead."""
    return need(target, name, str, "event.target") or None if name in target else None


def _children(target: dict[str, Any]) -> tuple[Digest, ...]:
    """The manifests that a pushed index lists, as far as they have digests; there only with `includereferences`.

    None where one of them is an index: what that lists, only its manifest tells.
    """
    references = target.get("references")
    if not isinstance(references, list):
        return ()
    listed = [reference for reference in references[:CHILDREN] if isinstance(reference, dict)]
    if any(is_index(evidence(reference, "mediaType")) for reference in listed):
        return ()
    digests = (digest_or_none(reference.get("digest")) for reference in listed)
    return tuple(dict.fromkeys(digest for digest in digests if digest is not None))
