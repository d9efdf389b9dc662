"""Findings: what a survey saw, as events, so that it is judged by the same rules as what somebody announced."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace

from enforcer.errors import RegistryError
from enforcer.events import Action, Event
from enforcer.names import TagName
from enforcer.times import Time
from worker.consequences import set_in_motion
from worker.context import Context
from worker.judging import Case, Judge, Judged
from worker.survey import Look


def event_of(look: Look, by: str) -> Event:
    """What the registry holds, as if it had been pushed or deleted just now; nobody knows by whom."""
    name = look.name
    return Event(
        registry=name.registry,
        action=Action.DELETE if look.found is None else Action.PUSH,
        repository=name.repository,
        time=Time.now(),
        id=f"{by}-{secrets.token_hex(8)}",
        tag=name.tag,
        digest=look.found,
        user_agent=f"tag-enforcer {by}",
    )


def described(context: Context, event: Event) -> Event:
    """The event of a protected tag with what only its manifest tells: media type and children, if they can be read."""
    name = event.tag_name
    if name is None or event.digest is None or event.media_type:
        return event
    if context.policies.current().protection(*name.parts, event.time, event.actor) is None:
        return event
    try:
        manifest = context.manifest(event.registry, event.repository, event.digest)
    except RegistryError:
        return event
    return replace(event, media_type=manifest.media_type, children=manifest.children)


def judge_findings(context: Context, events: Iterable[Event]) -> Sequence[tuple[TagName, Judged]]:
    """Judge events, and set in motion what follows."""
    judge = Judge(context.ledger, context.policies.current(), context.settings.late_window)
    decided = list(judge.judge(Case(event, event.time) for event in events))
    set_in_motion(context, decided)
    return decided
