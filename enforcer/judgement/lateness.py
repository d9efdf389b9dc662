"""Late events: each is put where it belongs in the history, by when it was done, and what follows is judged again.

Events arrive late and in any order; the result may not depend on it. Rules 3 and 7 are what comes out of judging again,
and each order of arrival ends in the same record and the same violations. An event that comes after `late_window`, or
that is older than all that a full history still holds, has no such place: it changes no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision, Entry, TagState
from enforcer.judgement.rules import Judgement, judge, supersedes
from enforcer.names import Digest
from enforcer.policies.policy import Protection


def is_too_late(arrival: Arrival, history: Sequence[Entry], late_window: float, *, cut_off: bool) -> bool:
    """True if the event has no place in the history: one before all that is known, or it came after `late_window`.

    `late_window` is in seconds; `cut_off` says that the history may have lost its oldest entries.
    """
    places = [entry.event.order for entry in history if not entry.late]
    # The oldest entry may be the record's own, which was kept when those after it were dropped.
    if not places or (cut_off and arrival.event.order < places[:2][-1]):
        return True  # the record of that time is not known any more
    if arrival.event.order > places[-1]:
        return False  # however long it was on its way, nothing came after it
    return arrival.lateness > late_window


def needs_history(event: Event, state: TagState) -> bool:
    """True if judging takes more than the record: the event is not the newest, or may change earlier decisions."""
    record = state.record
    return (record is not None and supersedes(event, record)) or not state.is_newest(event)


def judge_late(
    event: Event,
    state: TagState,
    protection: Protection | None,
    history: Sequence[Entry],
    *,
    too_late: bool = False,
) -> Judgement:
    """Judge an event that needs the history: at its place there, and then again what follows it.

    `too_late` says that it has no such place: it came after `late_window`, or is older than all that is still known.
    """
    for position, entry in enumerate(history):
        if entry.event.id == event.id:
            # A worker may have died between this decision and its effects: they are asked for once more. Parts that
            # an index explained stand before it in the history, so they are told again with it.
            earlier = (each for each in history[:position] if _may_be_part(each))
            return Judgement(state, (*history[position:], *earlier), repeated=True)
    if too_late:
        return _judge_too_late(event, state, protection)
    return _judge_in_place(event, state, protection, history)


def _judge_in_place(
    event: Event, state: TagState, protection: Protection | None, history: Sequence[Entry]
) -> Judgement:
    in_order = [entry for entry in history if not entry.late]
    before = [entry for entry in in_order if entry.event.order < event.order]
    record = before[-1].record if before else None
    entries: list[Entry] = []
    for entry in (Entry(event, Decision.NOTED, protection, None), *in_order[len(before) :]):
        decision, record = judge(entry.event, record, entry.protection)
        entries.append(replace(entry, decision=decision, record=record))
    entries[0] = replace(entries[0], decision=_name_late(entries))
    named = _name_parts([*before, *entries])
    earlier = (now for now, old in zip(named, before, strict=False) if now != old)
    last = max(state.last, event.order)
    return Judgement(TagState(record, last, state.version + 1), (*named[len(before) :], *earlier))


def _name_parts(entries: Sequence[Entry]) -> list[Entry]:
    """Rule 6: the pushes that seemed to overwrite the first child, and were other children of the same index.

    Those that were called so are looked at again: the index may be none of this tag's any more.
    """
    named = list(entries)
    overwriting: list[int] = []
    digest: Digest | None = None
    for place, entry in enumerate(entries):
        recorded = entry.record.digest if entry.record else None
        if entry.decision is Decision.SUPERSEDED:
            for part in overwriting:
                if named[part].event.digest in entry.event.children:
                    named[part] = replace(named[part], decision=Decision.PART)
        elif _may_be_part(entry):
            named[place] = replace(entry, decision=Decision.OVERWRITTEN)
            overwriting.append(place)
        elif recorded != digest:
            overwriting = []
        digest = recorded
    return named


def _may_be_part(entry: Entry) -> bool:
    """True if the decision of an entry depends on an index that comes later."""
    event, record = entry.event, entry.record
    if record is None or not record.is_settling(event.when) or event.digest in record.children:
        return False
    return entry.decision in (Decision.OVERWRITTEN, Decision.PART)


def _name_late(entries: Sequence[Entry]) -> Decision:
    """Rules 3 and 7: what a late decision is called, now that what followed it is judged again."""
    decision, later = entries[0].decision, entries[1:]
    if decision is Decision.RECORDED and later:
        return Decision.CORRECTED  # 7
    if decision is Decision.MOVED and later:
        return Decision.NOTED  # 3
    return decision


def _judge_too_late(event: Event, state: TagState, protection: Protection | None) -> Judgement:
    """It cannot be the original any more; it is still evidence. What was deleted before the record is another one."""
    record = state.record
    if event.action is Action.DELETE and record is not None and event.when < record.time:
        record = None
    decision, _ = judge(event, record, protection)
    if not (decision.is_violation or decision is Decision.UNCHANGED):
        decision = Decision.NOTED
    entry = Entry(event, decision, protection, state.record, late=True)
    return Judgement(replace(state, version=state.version + 1), (entry,))
