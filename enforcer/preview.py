"""Preview: which tags a policy would protect, and which recorded moves it would have undone had it been in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from enforcer.events import Event
from enforcer.judgement.record import Decision, Entry, Record
from enforcer.judgement.rules import judge
from enforcer.names import Digest, TagName
from enforcer.policies.policy import Policy
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Ledger
from enforcer.times import Time

DAYS = 30
"""How far back a preview looks, unless it is asked for more."""

CHUNK = 500
"""Tags whose histories are read at once."""


@dataclass(frozen=True, slots=True)
class ProtectedTag:
    """A tag that is there now, and the record that it would be protected with."""

    name: TagName
    record: Record


@dataclass(frozen=True, slots=True)
class Move:
    """A move of a tag that would have been a violation, and the digest that would have stayed."""

    name: TagName
    kind: Decision
    recorded: Digest
    event: Event


@dataclass(frozen=True, slots=True)
class Preview:
    """The tags by name, and the moves, newest first."""

    tags: tuple[ProtectedTag, ...]
    moves: tuple[Move, ...]


def preview(
    ledger: Ledger, policy: Policy, since: Time, *, asking: Iterable[str] = (), at_once: int = CHUNK
) -> Preview:
    """The effect of the policy, were it enabled, on the tags in the ledger, now and from `since` on.

    A move that was a violation of other policies anyway is not counted, and only the history that is kept can be told.
    `asking` are the registries that ask for credentials.
    """
    in_force = replace(policy, disabled=False, effective_since=since)
    tags: list[ProtectedTag] = []
    moved: list[TagName] = []
    for registry, repository in ledger.repositories():
        if registry != policy.registry or repository.namespace != policy.namespace:
            continue
        for tag, state in ledger.tags(registry, repository).items():
            if in_force.selects(repository, tag):
                name = TagName(registry, repository, tag)
                if state.record is not None and not state.record.deleted:
                    tags.append(ProtectedTag(name, state.record))
                if state.last[0] >= since:
                    moved.append(name)
    policies = PolicySet([in_force], asking=asking)
    moves = sorted(_moves(ledger, policies, moved, since, at_once), key=lambda move: move.event.order, reverse=True)
    return Preview(tuple(sorted(tags, key=lambda tag: tag.name)), tuple(moves))


def _moves(ledger: Ledger, policies: PolicySet, names: Sequence[TagName], since: Time, at_once: int) -> Iterator[Move]:
    for start in range(0, len(names), at_once):
        for name, history in ledger.histories(names[start : start + at_once]).items():
            yield from moves_of(name, history, policies, since)


def moves_of(name: TagName, history: Sequence[Entry], policies: PolicySet, since: Time) -> Iterator[Move]:
    """The entries of a history, oldest first, that would have been violations of these policies from `since` on."""
    record: Record | None = None
    for entry in history:
        if entry.late:
            continue
        event = entry.event
        if event.when < since:
            record = entry.record
            continue
        protection = policies.protection(name.registry, name.repository, name.tag, event.when, event.actor)
        decision, record = judge(event, record, protection)
        if decision.is_violation and not entry.decision.is_violation:
            assert record is not None  # a violation is one of a record
            yield Move(name, decision, record.digest, event)
