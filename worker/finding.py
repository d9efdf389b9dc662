"""Findings: what a survey saw, as events, so that it is judged by the same rules as what somebody announced."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

from enforcer.events import Action, Event
from enforcer.names import TagName
from enforcer.times import Time
from worker.consequences import set_in_motion
from worker.context import Context
from worker.description import Descriptions
from worker.judging import Case, Judge, Judged
from worker.survey import Look


def event_of(look: Look, by: str, *, adopted: bool = False) -> Event:
    """What the registry holds, as if it had been pushed or deleted just now; nobody knows by whom.

    It is `adopted` where an operator wants it to be the record whatever that was.
    """
    name = look.name
    action = Action.ADOPT if adopted else Action.PUSH
    return Event(
        registry=name.registry,
        action=Action.DELETE if look.found is None else action,
        repository=name.repository,
        time=Time.now(),
        id=f"{by}-{secrets.token_hex(8)}",
        tag=name.tag,
        digest=look.found,
        user_agent=f"tag-enforcer {by}",
    )


def judge_findings(context: Context, events: Iterable[Event]) -> Sequence[tuple[TagName, Judged]]:
    """Judge events, and set in motion what follows."""
    descriptions = Descriptions(context)
    judge = Judge(context.ledger, context.policies.current(), context.settings.late_window)
    decided = list(judge.judge(Case(descriptions.of(event), event.time) for event in events))
    set_in_motion(context, decided)
    return decided
