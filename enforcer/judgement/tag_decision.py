"""The decision of one tag: everything that a batch of arrivals changes in it, whatever their number and order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from enforcer.events import Event, Order
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.deletion import Deleted, concerns_tag, deletions_of
from enforcer.judgement.lateness import is_too_late, judge_late, needs_history
from enforcer.judgement.protection import protection_of
from enforcer.judgement.record import Entry, TagState
from enforcer.judgement.rules import Judgement, judge_next
from enforcer.names import Digest, TagName
from enforcer.policies.policy import Protection
from enforcer.policies.policy_set import PolicySet
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a tag before a batch is judged.

    The history may be left out where `may_need_history` says so; `cut_off` says that it may have lost its oldest
    entries. `deleted` are the manifests of the tag's repository that were deleted lately.
    """

    state: TagState
    deleted: Deleted
    history: Sequence[Entry] = ()
    cut_off: bool = False


@dataclass(slots=True)
class TagDecision:
    """The new state of one tag, and the entries of its history that are new or judged anew.

    `rejudged` are the places of those that had been decided before.
    """

    version: int
    state: TagState
    entries: dict[Order, Entry] = field(default_factory=dict)
    rejudged: set[Order] = field(default_factory=set)
    changed: bool = False

    def take(self, judgement: Judgement, told: Time) -> None:
        """Add one more judgement of the tag, of an event that told that time."""
        self.state = replace(judgement.state, told=max(self.state.told, told))
        self.changed |= not judgement.repeated
        self.entries |= {entry.event.order: entry for entry in judgement.entries}
        self.rejudged |= {entry.event.order for entry in judgement.entries[1:]}

    @property
    def written(self) -> int:
        """The version of the tag's state that all this was written with."""
        return self.version + self.changed

    @property
    def digests(self) -> set[Digest]:
        """The manifests that the tag needs or needed, as far as that was decided now."""
        return {digest for entry in self.entries.values() if entry.record for digest in entry.record.digests}

    def anew(self, state: TagState, history: Iterable[Entry]) -> TagDecision:
        """The same entries as they are now, after another worker judged them anew."""
        entries = {order: entry for entry in history if (order := entry.event.order) in self.entries}
        return TagDecision(state.version, state, entries, set(entries))


Decided = Sequence[tuple[TagName, TagDecision]]
"""The decisions of several tags."""


def may_need_history(arrivals: Sequence[Arrival], state: TagState, deleted: Deleted) -> bool:
    """True if some event is not newer than all before it, or is an index, which may supersede what came before.

    Or a manifest that the tag needs was deleted, perhaps at a time that came before.
    """
    needed = set(state.record.digests) if state.record else set()
    for arrival in arrivals:
        if not state.is_newest(arrival.event) or arrival.event.children:
            return True
        state = state.after(arrival.event)
        needed |= {arrival.event.digest} if arrival.event.digest else set()
    return not needed.isdisjoint(deleted)


def decide(
    name: TagName, arrivals: Iterable[Arrival], known: Known, policies: PolicySet, late_window: float
) -> TagDecision:
    """Judge the arrivals of one tag, and the deletions of manifests that it turns out to have needed."""
    decision = TagDecision(known.state.version, known.state)
    history = {entry.event.order: entry for entry in known.history}
    for arrival in chain(arrivals, _needed_deletions(name, decision, known)):
        event = arrival.event
        protection = _protection(policies, name, event)
        if needs_history(event, decision.state):
            in_order = [history[order] for order in sorted(history)]
            judgement = _judge_late(arrival, decision.state, protection, in_order, known, late_window)
        else:
            judgement = judge_next(event, decision.state, protection)
        if concerns_tag(event, judgement):
            decision.take(judgement, event.time)
            history |= {entry.event.order: entry for entry in judgement.entries}
    return decision


def _protection(policies: PolicySet, name: TagName, event: Event) -> Protection | None:
    # Bypass actors are clients of the registry: an operator of the same name approves what stays protected.
    return protection_of(policies, name, event, event.actor if event.action.is_client else "")


def _judge_late(
    arrival: Arrival,
    state: TagState,
    protection: Protection | None,
    history: Sequence[Entry],
    known: Known,
    late_window: float,
) -> Judgement:
    too_late = is_too_late(arrival, history, late_window, cut_off=known.cut_off)
    judgement = judge_late(arrival.event, state, protection, history, too_late=too_late)
    if known.cut_off and arrival.event.order < known.history[:2][-1].event.order:
        # A full history would drop the entry as soon as it is written: it is evidence to tell, and nothing to keep.
        return replace(judgement, state=state, repeated=True)
    return judgement


def _needed_deletions(name: TagName, decision: TagDecision, known: Known) -> Iterator[Arrival]:
    """The deletions that matter after what is decided so far; again, as long as one shows the need of others.

    Those that are in the history already are not judged again: their effects were applied, or their own events come
    again.
    """
    ids = {entry.event.id for entry in known.history}
    count = -1
    while count < len(decision.entries):  # those that do not concern the tag add nothing: once none does, it ends
        count = len(decision.entries)
        ids |= {entry.event.id for entry in decision.entries.values()}
        yield from deletions_of(name.tag, decision.digests, known.deleted, ids)
