"""The rules of judgement: event + record + protection → decision. No I/O, no clock, no other state.

  1  push without a tag, pull, mount, unknown action           never becomes an event of a tag
  2  not protected, no record or an older one                  moved: the record follows
  3  not protected, event older than the record                noted: history only
  4  protected, no record                                      recorded: the original, settling for a while
  5  the record's digest again                                 unchanged; an earlier time becomes the record's, and
                                                               what nobody had told of the manifest is added
  6  protected, settling, an index that lists the record       superseded: the index becomes the record
     and another child of that index, before or after it       part: no violation, the index is the record
  7  protected, older than the record, other digest            corrected: the older one is the original
  8  digest approved by an operator, before or after           approved: the record follows
  9  protected, other digest                                   violation: overwritten
 10  protected against deletion, tag or its manifest deleted   violation: deleted
 11  not protected, deleted                                    removed: the history keeps a tombstone

`judge` decides an event that comes after all others of its tag. Events arrive late and in any order; what they end in
may not depend on it. So a late one is put into its place in the history, by its own time, and what follows it there is
judged again: rules 3 and 7 are what comes out of that, and each order of arrival ends in the same record and the same
violations. An event that comes after `late_window`, or that is older than all that a full history still holds, has no
such place: it changes no record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from enforcer.events import Action, Event
from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.names import Digest
from enforcer.policies.policy import Protection


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an event changes: the tag's new standing, and the entries of its history that are new or judged anew.

    `entries` begins with the event's own. `repeated` says that the event was judged before: nothing changes, and what
    follows from its decisions is done once more, in case it was not.
    """

    state: TagState
    entries: tuple[Entry, ...]
    repeated: bool = False


def judge(event: Event, record: Record | None, protection: Protection | None) -> tuple[Decision, Record | None]:
    """Decide an event that follows all others of its tag: the decision, and the record from then on."""
    if event.action is Action.DELETE:
        return _judge_deletion(event, record, protection)
    assert event.digest is not None  # a push without one is refused where notifications are read
    is_recorded = record is not None and record.digest == event.digest
    if event.action is Action.APPROVE:
        return Decision.NOTED, record if record is None or is_recorded else replace(record, approved=event.digest)
    if record is not None and is_recorded:
        return Decision.UNCHANGED, replace(
            record,
            deleted=False,
            media_type=record.media_type or event.media_type,
            children=record.children or event.children,
        )
    pushed = Record(digest=event.digest, time=event.time, media_type=event.media_type, children=event.children)
    if event.action is Action.ADOPT or (record is not None and record.approved == event.digest):
        return Decision.APPROVED, pushed
    if protection is None or not protection.overwrite:
        return Decision.MOVED, pushed
    if record is None:
        return Decision.RECORDED, replace(pushed, settles=event.time.plus(protection.settle), client=event.client)
    if record.is_settling(event.time) and record.digest in event.children:
        return Decision.SUPERSEDED, replace(pushed, settles=record.settles, client=record.client)
    if record.is_settling(event.time) and event.digest in record.children:
        return Decision.PART, replace(record, deleted=False)
    return Decision.OVERWRITTEN, replace(record, deleted=False)


def _judge_deletion(
    event: Event, record: Record | None, protection: Protection | None
) -> tuple[Decision, Record | None]:
    if record is None or record.deleted:
        return Decision.UNCHANGED, record  # deleting a digest is announced once more for each of its tags
    if event.digest is not None and event.digest not in record.digests:
        return Decision.UNCHANGED, record  # what was deleted is not what the tag is recorded with
    if protection is not None and protection.delete:
        return Decision.DELETED, replace(record, deleted=True)
    return Decision.REMOVED, None


def needs_history(event: Event, state: TagState) -> bool:
    """Whether judging takes more than the record: the event is not the newest, or may change earlier decisions."""
    record = state.record
    supersedes = record is not None and record.is_settling(event.time) and record.digest in event.children
    return supersedes or event.order <= state.last


def judge_next(event: Event, state: TagState, protection: Protection | None) -> Judgement:
    """Judge the newest event of a tag: the usual case, which needs no history."""
    decision, record = judge(event, state.record, protection)
    entry = Entry(event, decision, protection, record)
    return Judgement(TagState(record, event.order, state.version + 1), (entry,))


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
    """Rule 6: what seemed to overwrite a child that was pushed by the final tag, and was another child of its index.

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
    """Whether what is decided of an entry depends on an index that comes later."""
    event, record = entry.event, entry.record
    if record is None or not record.is_settling(event.time) or event.digest in record.children:
        return False
    return entry.decision in (Decision.OVERWRITTEN, Decision.PART)


def _name_late(entries: Sequence[Entry]) -> Decision:
    """Rules 3 and 7: what a late decision is called, now that what followed it is judged again."""
    decision, later = entries[0].decision, entries[1:]
    if decision is Decision.RECORDED and later:
        return Decision.CORRECTED
    if decision is Decision.MOVED and later:
        return Decision.NOTED
    return decision


def _judge_too_late(event: Event, state: TagState, protection: Protection | None) -> Judgement:
    """It cannot be the original any more; it is still evidence. What was deleted before the record is another one."""
    record = state.record
    if event.action is Action.DELETE and record is not None and event.time < record.time:
        record = None
    decision, _ = judge(event, record, protection)
    if not (decision.is_violation or decision is Decision.UNCHANGED):
        decision = Decision.NOTED
    entry = Entry(event, decision, protection, state.record, late=True)
    return Judgement(replace(state, version=state.version + 1), (entry,))
