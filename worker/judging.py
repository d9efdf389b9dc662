"""Judging many events at once: a read, the rules, and a write, whatever the number of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from enforcer.events import Action, Event
from enforcer.judgement import Judgement, judge_late, judge_next, needs_history
from enforcer.ledger.record import Decision, Entry, Standing
from enforcer.ledger.store import Change, Ledger
from enforcer.names import TagName
from enforcer.policies.policy import PolicySet
from enforcer.times import Time

FUTURE = 300
"""Seconds by which an event may be ahead of us; one that is more than that counts as now."""

ROUNDS = 100
"""How often decisions are taken anew because another worker had been quicker."""


@dataclass(frozen=True, slots=True)
class Case:
    """An event to be judged, and when it was accepted: the same clock for every worker that judges it.

    `claimed` is the place in the order that an event from the future had before its time was set to now.
    """

    event: Event
    arrived: Time
    claimed: tuple[str, str, str] = ("", "", "")

    def timely(self) -> Case:
        """The case with a time that is not in the future."""
        if self.event.time <= self.arrived.plus(FUTURE):
            return self
        return replace(self, event=replace(self.event, time=self.arrived), claimed=self.event.order)


@dataclass(slots=True)
class Judged:
    """What was decided of one tag: its standing, and the entries of its history that are new or judged anew.

    `rejudged` are the places of those that had been decided before.
    """

    version: int
    standing: Standing
    entries: dict[tuple[str, str, str], Entry] = field(default_factory=dict)
    rejudged: set[tuple[str, str, str]] = field(default_factory=set)
    changed: bool = False

    def take(self, judgement: Judgement, claimed: tuple[str, str, str]) -> None:
        """Add one more judgement of the tag, of an event that claimed that place."""
        self.standing = replace(judgement.standing, last=max(judgement.standing.last, claimed))
        self.changed |= not judgement.repeated
        self.entries |= {entry.event.order: entry for entry in judgement.entries}
        self.rejudged |= {entry.event.order for entry in judgement.entries[1:]}

    def change(self, name: TagName) -> Change:
        """What to write."""
        standing = replace(self.standing, version=self.version + 1)
        return Change(name, self.version, standing, tuple(self.entries.values()))


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges events and writes the decisions; `late_window` is in seconds, None for no limit."""

    ledger: Ledger
    policies: PolicySet
    late_window: float | None

    def judge(self, cases: Iterable[Case]) -> Iterator[tuple[TagName, Judged]]:
        """Judge cases; yields what was decided of each tag once it is written. The same case twice changes nothing."""
        for segment in _segments(cases):
            waiting = self._by_tag(segment)
            for _ in range(ROUNDS):
                if not waiting:
                    break
                judged = self._decide(waiting)
                conflicts = self.ledger.write(tag.change(name) for name, tag in judged.items() if tag.changed)
                yield from ((name, tag) for name, tag in judged.items() if name not in conflicts)
                waiting = {name: waiting[name] for name in conflicts}
            else:
                raise RuntimeError(f"{len(waiting)} tags changed faster than they could be judged, {ROUNDS} times")

    def _by_tag(self, cases: Sequence[Case]) -> dict[TagName, list[Case]]:
        """The cases of each tag. The deletion of a digest is one of every tag that needs it."""
        found: dict[TagName, list[Case]] = defaultdict(list)
        for case in map(Case.timely, cases):
            if (name := case.event.tag_name) is not None:
                found[name].append(case)
            else:
                for needing in self._needing(case.event):
                    found[needing].append(replace(case, event=replace(case.event, tag=needing.tag)))
        return found

    def _needing(self, event: Event) -> list[TagName]:
        """The tags that break when the digest is deleted."""
        assert event.digest is not None  # an event names a tag or a digest
        return [
            TagName(event.registry, event.repository, tag)
            for tag, standing in self.ledger.tags(event.registry, event.repository).items()
            if standing.record is not None and standing.record.needs(event.digest)
        ]

    def _decide(self, waiting: Mapping[TagName, Sequence[Case]]) -> dict[TagName, Judged]:
        standings = self.ledger.standings(waiting)
        wanted = [name for name, cases in waiting.items() if _may_need_history(cases, standings[name])]
        histories = self.ledger.histories(wanted) if wanted else {}
        return {
            name: self._decide_tag(name, cases, standings[name], histories.get(name, ()))
            for name, cases in waiting.items()
        }

    def _decide_tag(self, name: TagName, cases: Sequence[Case], standing: Standing, history: Sequence[Entry]) -> Judged:
        judged = Judged(standing.version, standing)
        known = {entry.event.order: entry for entry in history}
        cut_off = len(history) >= self.ledger.history_limit
        for case in cases:
            event = case.event
            protection = self.policies.protection(
                *name.parts, event.time, event.actor if event.action.is_client else ""
            )
            if not needs_history(event, judged.standing):
                judgement = judge_next(event, judged.standing, protection)
            else:
                so_far = [known[order] for order in sorted(known)]
                too_late = self._too_late(case, so_far, cut_off=cut_off)
                judgement = judge_late(event, judged.standing, protection, so_far, too_late=too_late)
                if _is_of_no_account(event, judgement):
                    continue
                if cut_off and event.order < history[0].event.order:  # a full history would drop it at once
                    judgement = replace(judgement, standing=judged.standing, repeated=True)
            judged.take(judgement, case.claimed)
            known |= {entry.event.order: entry for entry in judgement.entries}
        return judged

    def _too_late(self, case: Case, history: Sequence[Entry], *, cut_off: bool) -> bool:
        """Whether an event cannot be put into its place: a place before all that is known, or it came too late."""
        places = [entry.event.order for entry in history if not entry.late]
        if not places or (cut_off and case.event.order < places[0]):
            return True  # what was recorded then is not known any more
        if case.event.order > places[-1]:
            return False
        return self.late_window is not None and case.arrived.since(case.event.time) > self.late_window


def _is_of_no_account(event: Event, judgement: Judgement) -> bool:
    """Whether it deletes a digest that the tag is recorded with now, and was not at its time."""
    of_digest = event.action is Action.DELETE and event.digest is not None
    return of_digest and judgement.entries[0].decision is Decision.UNCHANGED


def _segments(cases: Iterable[Case]) -> Iterator[list[Case]]:
    """Parts to be judged one after the other: which tags a deleted digest concerns shows when all before is written."""
    segment: list[Case] = []
    for case in cases:
        if case.event.tag is None and segment:
            yield segment
            segment = []
        segment.append(case)
    if segment:
        yield segment


def _may_need_history(cases: Sequence[Case], standing: Standing) -> bool:
    """Whether some event is not newer than all before it, or is an index, which may supersede what came before."""
    last = standing.last
    for case in cases:
        if case.event.order <= last or case.event.children:
            return True
        last = max(case.event.order, case.claimed)
    return False
