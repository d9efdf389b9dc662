"""Judging many events at once: a read, the rules, and a write, whatever the number of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision, Entry, TagState
from enforcer.judgement.rules import Judgement, judge_late, judge_next, needs_history
from enforcer.names import Digest, Tag, TagName
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Change, Deletions, Ledger, RepositoryKey

ROUNDS = 100
"""How often decisions are taken anew because another worker had been quicker."""


@dataclass(slots=True)
class Judged:
    """What was decided of one tag: its standing, and the entries of its history that are new or judged anew.

    `rejudged` are the places of those that had been decided before.
    """

    version: int
    state: TagState
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    rejudged: set[tuple[str, str, str]] = field(default_factory=set)
    changed: bool = False

    def take(self, judgement: Judgement, claimed: tuple[str, str, str]) -> None:
        """Add one more judgement of the tag, of an event that claimed that place."""
        self.state = replace(judgement.state, last=max(judgement.state.last, claimed))
        self.changed |= not judgement.repeated
        self.entries |= {entry.event.order: entry for entry in judgement.entries}
        self.rejudged |= {entry.event.order for entry in judgement.entries[1:]}

    @property
    def written(self) -> int:
        """The version of the standing that all this was written with."""
        return self.version + self.changed

    def anew(self, state: TagState, history: Iterable[Entry]) -> Judged:
        """What has become of the same entries."""
        entries = {order: entry for entry in history if (order := entry.event.order) in self.entries}
        return Judged(state.version, state, entries, set(entries))

    @property
    def digests(self) -> set[Digest]:
        """The manifests that the tag needs or needed, as far as that was decided now."""
        return {digest for entry in self.entries.values() if entry.record for digest in entry.record.digests}

    def change(self, name: TagName, deletions: int) -> Change:
        """What to write, where that version of the deletions was known."""
        state = replace(self.state, version=self.version + 1)
        return Change(name, self.version, state, tuple(self.entries.values()), deletions)


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges events and writes the decisions; `late_window` is in seconds, None for no limit."""

    ledger: Ledger
    policies: PolicySet
    late_window: float | None

    def judge(self, cases: Iterable[Arrival]) -> Iterator[tuple[TagName, Judged]]:
        """Judge cases; yields what was decided of each tag once it is written. The same case twice changes nothing."""
        waiting = self._by_tag([case.timely() for case in cases])
        rounds = 0
        while waiting:
            if (rounds := rounds + 1) > ROUNDS:
                raise RuntimeError(f"{len(waiting)} tags changed faster than they could be judged, {ROUNDS} times")
            judged, deletions = self._decide(waiting)
            conflicts = self.ledger.write(
                tag.change(name, deletions[name.place].version) for name, tag in judged.items() if tag.changed
            )
            yield from ((name, tag) for name, tag in judged.items() if name not in conflicts)
            waiting = {name: waiting[name] for name in conflicts}

    def _by_tag(self, cases: Sequence[Arrival]) -> dict[TagName, list[Arrival]]:
        """The cases of each tag. The deletion of a digest is one of every tag that needed it at some time."""
        found: dict[TagName, list[Arrival]] = defaultdict(list)
        for case in cases:
            if case.event.tag_name is not None:
                found[case.event.tag_name].append(case)
        of_digests = [case for case in cases if case.is_of_digest]
        for case, names in zip(of_digests, self._note(of_digests), strict=True):
            for name in names:
                found[name].append(case.of_tag(name.tag))
        return found

    def _note(self, cases: Sequence[Arrival]) -> list[list[TagName]]:
        events = ((case.event, case.to_json()) for case in cases)
        noted = [((event.registry, event.repository), event.digest, text) for event, text in events if event.digest]
        return self.ledger.note_deletions(noted) if noted else []

    def _decide(
        self, waiting: Mapping[TagName, Sequence[Arrival]]
    ) -> tuple[dict[TagName, Judged], dict[RepositoryKey, Deletions]]:
        states, deletions = self.ledger.situations(waiting)
        wanted = [
            name for name, cases in waiting.items() if _may_need_history(cases, states[name], deletions[name.place])
        ]
        histories = self.ledger.histories(wanted) if wanted else {}
        judged = {
            name: self._decide_tag(name, cases, deletions[name.place], states[name], histories.get(name, ()))
            for name, cases in waiting.items()
        }
        return judged, deletions

    def _decide_tag(
        self,
        name: TagName,
        cases: Sequence[Arrival],
        deletions: Deletions,
        state: TagState,
        history: Sequence[Entry],
    ) -> Judged:
        judged = Judged(state.version, state)
        known = {entry.event.order: entry for entry in history}
        cut_off = len(history) >= self.ledger.history_limit
        for case in chain(cases, _of_needed(name.tag, judged, deletions, history)):
            event = case.event
            protection = self.policies.protection(
                *name.parts, event.time, event.actor if event.action.is_client else ""
            )
            if not needs_history(event, judged.state):
                judgement = judge_next(event, judged.state, protection)
            else:
                so_far = [known[order] for order in sorted(known)]
                too_late = self._too_late(case, so_far, cut_off=cut_off)
                judgement = judge_late(event, judged.state, protection, so_far, too_late=too_late)
                if cut_off and event.order < history[0].event.order:  # a full history would drop it at once
                    judgement = replace(judgement, state=judged.state, repeated=True)
            if _is_of_no_account(event, judgement):
                continue
            judged.take(judgement, case.claimed)
            known |= {entry.event.order: entry for entry in judgement.entries}
        return judged

    def _too_late(self, case: Arrival, history: Sequence[Entry], *, cut_off: bool) -> bool:
        """Whether an event cannot be put into its place: a place before all that is known, or it came too late."""
        places = [entry.event.order for entry in history if not entry.late]
        if not places or (cut_off and case.event.order < places[0]):
            return True  # what was recorded then is not known any more
        if case.event.order > places[-1]:
            return False
        return self.late_window is not None and case.arrived.since(case.event.time) > self.late_window


def _is_of_no_account(event: Event, judgement: Judgement) -> bool:
    """Whether it deletes a digest that the tag did not need at that time, and so has no place in its history."""
    of_digest = event.action is Action.DELETE and event.digest is not None
    return of_digest and not judgement.repeated and judgement.entries[0].decision is Decision.UNCHANGED


def _of_needed(tag: Tag, judged: Judged, deletions: Deletions, history: Sequence[Entry]) -> Iterator[Arrival]:
    """The deletions of manifests that the tag turns out to have needed; again, as long as one shows the need of others.

    They may have become known before what was pushed earlier. Those that are in the history already are not judged
    again: whatever follows from them was seen to, or their own events come again.
    """
    known = {entry.event.id for entry in history}
    count = -1
    while count < len(judged.entries):  # those of no account add nothing: once all are, it ends
        count = len(judged.entries)
        known |= {entry.event.id for entry in judged.entries.values()}
        needed = (text for digest in judged.digests for text in deletions.by_digest.get(digest, ()))
        cases = {case.event.order: case for case in map(Arrival.from_json, needed) if case.event.id not in known}
        yield from (cases[order].of_tag(tag) for order in sorted(cases))


def _may_need_history(cases: Sequence[Arrival], state: TagState, deletions: Deletions) -> bool:
    """Whether some event is not newer than all before it, or is an index, which may supersede what came before.

    Or something that the tag needs was deleted, perhaps at a time that came before.
    """
    needed = set(state.record.digests) if state.record else set()
    last = state.last
    for case in cases:
        if case.event.order <= last or case.event.children:
            return True
        last = max(case.event.order, case.claimed)
        needed |= {case.event.digest} if case.event.digest else set()
    return not needed.isdisjoint(deletions.by_digest)
