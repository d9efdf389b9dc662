"""Findings: what a survey saw, as events, so that it is judged by the same rules as what somebody announced."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.store.wakeups import Task
from enforcer.times import Time
from worker.context import Context
from worker.judging.effects import Effects
from worker.judging.enrichment import Enrichment
from worker.judging.judge import Judge
from worker.scanning.scan import Observation, Scan


@dataclass(frozen=True, slots=True)
class Difference:
    """A tag whose record is another than what the registry has; `found` is None where it is gone."""

    name: str
    recorded: str
    found: str | None

    @classmethod
    def of(cls, observation: Observation) -> Self:
        """What a look saw of a tag that has a record."""
        assert observation.state.record is not None
        return cls(str(observation.name), observation.state.record.digest, observation.found)


def observed_event(observation: Observation, by: str, *, time: Time | None = None, adopted: str = "") -> Event:
    """What the registry holds, as if somebody had pushed or deleted it at that time, or when it was looked at.

    It is `adopted`, for that reason, where an operator wants it to be the record whatever that was.
    """
    name = observation.name
    action = Action.ADOPT if adopted else Action.PUSH
    return Event(
        registry=name.registry,
        action=Action.DELETE if observation.found is None else action,
        repository=name.repository,
        time=time or observation.state.time_after(observation.time),  # the look came later than what is known
        id=f"{by}-{secrets.token_hex(8)}",
        tag=name.tag,
        digest=observation.found,
        user_agent=f"tag-enforcer {by}",
        reason=adopted,
    )


def judge_observed(context: Context, scan: Scan, events: Iterable[Event]) -> None:
    """Enrich and judge events, and apply the effects of the decisions.

    They stand in the log first, like what a registry tells: whoever dies in between leaves the rest to a drain, and a
    replay knows them.
    """

    def read(registry: RegistryName, repository: Repository, digest: Digest) -> Manifest:
        kept = context.kept(registry, repository, digest)
        if kept is None:
            kept = scan.read(repository, digest)
            context.ledger.keep(registry, repository, kept)
        return kept

    policies = context.policies.current()
    enrichment = Enrichment(policies, context.registries, read)
    judge = Judge(context.ledger, policies, context.settings.late_window)
    described = list(scan.side_by_side(enrichment.enrich, events))
    if described and context.log.append(described):
        context.queues.enqueue(Task.DRAIN)
    Effects.of(context).apply(list(judge.judge(Arrival(event, Time.now()) for event in described)))
