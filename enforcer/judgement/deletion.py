"""Deleted digests: the tags that the deletion of a manifest concerns. It names a digest, and no tag.

A tag is concerned that needed the digest at the time of the deletion, which may show only later: a deletion may become
known before the push of what it deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision
from enforcer.judgement.rules import Judgement
from enforcer.names import Digest, Tag

Deleted = Mapping[str, Sequence[str]]
"""The latest deletions of a repository's manifests, by digest: each an `Arrival` as JSON."""


def concerns_tag(event: Event, judgement: Judgement) -> bool:
    """False for the deletion of a digest that the tag did not need at that time: it has no place in the history."""
    is_of_digest = event.action is Action.DELETE and event.digest is not None
    return not is_of_digest or judgement.repeated or judgement.entries[0].decision is not Decision.UNCHANGED


def deletions_of(tag: Tag, needed: Collection[Digest], deleted: Deleted, known: Collection[str]) -> list[Arrival]:
    """The deletions of manifests that a tag needed, in their order, but those whose ids are known already."""
    noted = (text for digest in needed for text in deleted.get(digest, ()))
    arrivals = {each.event.order: each for each in map(Arrival.from_json, noted) if each.event.id not in known}
    return [arrivals[order].of_tag(tag) for order in sorted(arrivals)]
