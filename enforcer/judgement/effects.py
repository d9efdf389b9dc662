"""Effects: the things that decisions ask for. Originals are kept, tags restored, violations opened or withdrawn."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from enforcer.judgement.protection import protection_of
from enforcer.judgement.record import Decision, Entry, TagState
from enforcer.judgement.tag_decision import Decided, TagDecision
from enforcer.judgement.violation import State, Violation, violation_id
from enforcer.names import Digest, TagName
from enforcer.policies.policy_set import PolicySet


def manifests_to_keep(decided: Decided, policies: PolicySet) -> set[tuple[TagName, Digest]]:
    """The manifests that protected tags are recorded with from now on, also where a bypass let them through."""
    return {
        (name, entry.record.digest)
        for name, decision in decided
        for entry in decision.entries.values()
        if entry.record and entry.record.digest == entry.event.digest and entry.decision is not Decision.UNCHANGED
        if entry.protection or protection_of(policies, name, entry.event)
    }


def tags_to_restore(decided: Decided) -> set[TagName]:
    """The tags that were changed without a violation, but must be what their record says.

    The registry may hold a child of the recorded index (6), or the record from before an approval (8).
    """
    asking = (Decision.PART, Decision.APPROVED)
    return {name for name, made in decided if any(entry.decision in asking for entry in made.entries.values())}


def told_entries(decided: Decided, kinds: Container[Decision]) -> list[tuple[TagName, Entry]]:
    """The entries that are no violations, and of which people may have to hear, since they are of these kinds."""
    return [(name, entry) for name, made in decided for entry in made.entries.values() if entry.decision in kinds]


def approved_digests(decision: TagDecision) -> list[Digest | None]:
    """The digests whose violations end as approved (8)."""
    return [entry.event.digest for entry in decision.entries.values() if entry.decision is Decision.APPROVED]


def violations_among(decided: Decided) -> dict[str, Violation | None]:
    """The violations among the decisions by their ids, None for an event that was judged anew and is none now."""
    found: dict[str, Violation | None] = {}
    for name, decision in decided:
        for order, entry in decision.entries.items():
            if entry.decision.is_violation:
                found[violation_id(entry.event)] = Violation.of(name, entry)
            elif order in decision.rejudged:
                found[violation_id(entry.event)] = None
    return found


@dataclass(frozen=True, slots=True)
class ViolationChanges:
    """The violations that are news, and those that are none any more."""

    news: tuple[Violation, ...]
    ended: tuple[Violation, ...]

    @classmethod
    def between(cls, known: Mapping[str, Violation], found: Mapping[str, Violation | None]) -> ViolationChanges:
        """The changes from the violations that are known to those that were found, by their ids."""
        news = (each for each in found.values() if each is not None and each.renews(known.get(each.id)))
        ended = (known[each] for each, violation in found.items() if violation is None and each in known)
        return cls(tuple(news), tuple(each for each in ended if each.state is not State.WITHDRAWN))

    @property
    def observed(self) -> tuple[Violation, ...]:
        """Those that are told and not undone."""
        return tuple(each for each in self.news if each.state is State.OBSERVED)

    @property
    def by_tag(self) -> dict[TagName, list[Violation]]:
        """Those that are undone, by the tags whose record must be put back."""
        found: dict[TagName, list[Violation]] = {}
        for each in self.news:
            if each.state is State.OPEN:
                found.setdefault(each.name, []).append(each)
        return found


def with_violations(decided: Decided) -> dict[TagName, TagDecision]:
    """The decisions that open or withdraw a violation."""
    return {name: decision for name, decision in decided if violations_among([(name, decision)])}


def overtaken(pursued: Mapping[TagName, TagDecision], states: Mapping[TagName, TagState]) -> list[TagName]:
    """The tags that another worker has judged since these decisions were written."""
    return [name for name, state in states.items() if state.version != pursued[name].written]
