"""Enrichment: the part of an event that only its manifest tells, added where a decision depends on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from enforcer.events import Action, Event
from enforcer.judgement.protection import protection_of
from enforcer.manifests import Manifest, is_index
from enforcer.policies.policy_set import PolicySet

MOST_CHILDREN = 2000
"""Manifests below a tag that are known as its own, at most: those beyond are neither kept nor watched."""


def needs_manifest(event: Event, policies: PolicySet) -> bool:
    """True if a decision may depend on a part of the manifest that the event leaves out."""
    if event.tag_name is None or event.action is Action.DELETE:
        return False
    if event.action is not Action.PUSH:
        return True  # 8: an approval adopts a digest that is there
    # Harbor names neither media type nor children; Distribution names the type, and children only in newer releases.
    is_told = event.media_type and not (is_index(event.media_type) and not event.children)
    if is_told and not (event.children and is_noted(event, policies)):
        return False
    return protection_of(policies, event.tag_name, event, event.actor) is not None


def is_noted(event: Event, policies: PolicySet) -> bool:
    """True for a push that may be of a child of an index which may yet take a tag over (6)."""
    return event.action is Action.PUSH and bool(event.client) and policies.lets_settle(event.registry, event.repository)


def enriched(event: Event, manifest: Manifest, below: Sequence[Manifest] = ()) -> Event:
    """The event with media type and children, also those of the indexes `below`: all that the tag needs.

    Rule 8: an approval of a digest that is in the registry adopts it.
    """
    action = Action.ADOPT if event.action is Action.APPROVE else event.action
    children = dict.fromkeys(child for each in (manifest, *below) for child in each.children)
    return replace(event, action=action, media_type=manifest.media_type, children=tuple(children)[:MOST_CHILDREN])
