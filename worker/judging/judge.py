"""Judging many events at once: a read, the rules, and a write, whatever the number of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from enforcer.judgement.arrival import Arrival
from enforcer.judgement.tag_decision import Known, TagDecision, decide, may_need_history
from enforcer.names import TagName
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Change, Deletions, Ledger, RepositoryKey

ROUNDS = 100
"""How often decisions are taken anew because another worker had been quicker."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges arrivals and writes the decisions; `late_window` is in seconds."""

    ledger: Ledger
    policies: PolicySet
    late_window: float

    def judge(self, arrivals: Iterable[Arrival]) -> Iterator[tuple[TagName, TagDecision]]:
        """Judge arrivals; yields the decision of each tag once it is written. The same again changes nothing."""
        waiting = self._by_tag([arrival.timely() for arrival in arrivals])
        rounds = 0
        while waiting:
            if (rounds := rounds + 1) > ROUNDS:
                raise RuntimeError(f"{len(waiting)} tags changed faster than they could be judged, {ROUNDS} times")
            decided, deletions = self._decide(waiting)
            # Compare and set: of a tag that another worker wrote since it was read, nothing is written. It is judged
            # again on what is there now.
            conflicts = self.ledger.write(
                _change(name, decision, deletions[name.place].version)
                for name, decision in decided.items()
                if decision.changed
            )
            yield from ((name, decision) for name, decision in decided.items() if name not in conflicts)
            waiting = {name: waiting[name] for name in conflicts}

    def _by_tag(self, arrivals: Sequence[Arrival]) -> dict[TagName, list[Arrival]]:
        """The arrivals of each tag. The deletion of a digest is one of every tag that needed it at some time."""
        found: dict[TagName, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            if arrival.event.tag_name is not None:
                found[arrival.event.tag_name].append(arrival)
        of_digests = [arrival for arrival in arrivals if arrival.is_of_digest]
        for arrival, names in zip(of_digests, self._note(of_digests), strict=True):
            for name in names:
                found[name].append(arrival.of_tag(name.tag))
        return found

    def _note(self, arrivals: Sequence[Arrival]) -> list[list[TagName]]:
        """Note the deletions before anything is judged: a push that becomes known later may have needed the digest."""
        events = ((arrival.event, arrival.to_json()) for arrival in arrivals)
        noted = [((event.registry, event.repository), event.digest, text) for event, text in events if event.digest]
        return self.ledger.note_deletions(noted) if noted else []

    def _decide(
        self, waiting: Mapping[TagName, Sequence[Arrival]]
    ) -> tuple[dict[TagName, TagDecision], dict[RepositoryKey, Deletions]]:
        states, deletions = self.ledger.situations(waiting)
        deleted = {name: deletions[name.place].by_digest for name in waiting}
        wanted = [name for name, each in waiting.items() if may_need_history(each, states[name], deleted[name])]
        histories = self.ledger.histories(wanted) if wanted else {}
        decided = {}
        for name, arrivals in waiting.items():
            history = histories.get(name, ())
            known = Known(states[name], deleted[name], history, cut_off=len(history) >= self.ledger.history_limit)
            decided[name] = decide(name, arrivals, known, self.policies, self.late_window)
        return decided, deletions


def _change(name: TagName, decision: TagDecision, deletions: int) -> Change:
    """The change to write for one decision, made in knowledge of that version of the repository's deletions."""
    state = replace(decision.state, version=decision.version + 1)
    return Change(name, decision.version, state, tuple(decision.entries.values()), deletions)
