"""Findings: what a survey saw, as events, so that it is judged by the same rules as what somebody announced."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Case
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.store.wakeups import Task
from enforcer.times import Time
from worker.context import Context
from worker.judging.effects import set_in_motion
from worker.judging.enrichment import Descriptions
from worker.judging.judge import Judge
from worker.scanning.scan import Look, Survey


@dataclass(frozen=True, slots=True)
class Difference:
    """A tag whose record is another than what the registry has; `found` is None where it is gone."""

    name: str
    recorded: str
    found: str | None

    @classmethod
    def of(cls, look: Look) -> Self:
        """What a look saw of a tag that has a record."""
        assert look.standing.record is not None
        return cls(str(look.name), look.standing.record.digest, look.found)


def event_of(look: Look, by: str, *, time: Time | None = None, adopted: str = "") -> Event:
    """What the registry holds, as if somebody had pushed or deleted it at that time, or when it was looked at.

    It is `adopted`, for that reason, where an operator wants it to be the record whatever that was.
    """
    name = look.name
    action = Action.ADOPT if adopted else Action.PUSH
    return Event(
        registry=name.registry,
        action=Action.DELETE if look.found is None else action,
        repository=name.repository,
        time=time or look.standing.time_after(look.time),  # the look came later than what is known
        id=f"{by}-{secrets.token_hex(8)}",
        tag=name.tag,
        digest=look.found,
        user_agent=f"tag-enforcer {by}",
        reason=adopted,
    )


def judge_findings(context: Context, survey: Survey, events: Iterable[Event]) -> None:
    """Describe and judge events, and set in motion what follows.

    They stand in the log first, like what a registry tells: whoever dies in between leaves the rest to a drain, and a
    replay knows them.
    """

    def read(registry: RegistryName, repository: Repository, digest: Digest) -> Manifest:
        kept = context.kept(registry, repository, digest)
        if kept is None:
            kept = survey.read(repository, digest)
            context.ledger.keep(registry, repository, kept)
        return kept

    descriptions = Descriptions(context, read=read)
    judge = Judge(context.ledger, context.policies.current(), context.settings.late_window)
    described = list(survey.side_by_side(descriptions.of, events))
    if described and context.log.append(described):
        context.queues.enqueue(Task.DRAIN)
    set_in_motion(context, list(judge.judge(Case(event, Time.now()) for event in described)))
