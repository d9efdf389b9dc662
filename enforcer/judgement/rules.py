"""The rules of judgement: event + record + protection → decision. No I/O, no clock, no other state.

  1  push without a tag, pull, mount, unknown action           never becomes an event of a tag
  2  not protected, no record or an older one                  moved: the record follows
  3  not protected, event older than the record                noted: history only
  4  protected, no record                                      recorded: the original, settling for a while
  5  the record's digest again                                 unchanged; an earlier time becomes the record's, and
                                                               what no event had told of the manifest is added
  6  protected, settling, an index that lists the record, by   superseded: the index becomes the record
     the record's client, who pushed all its children since
 6a  protected, a child of the recorded index, or one that     part: no violation, the index is the record
     preceded it while it was settling
  7  protected, older than the record, other digest            corrected: the older one is the original
  8  digest approved by an operator, before or after           approved: the record follows
  9  protected, other digest                                   violation: overwritten
 10  protected against deletion, tag or its manifest deleted   violation: deleted
 11  not protected, deleted                                    removed: the history keeps a tombstone

`judge` decides an event that comes after all others of its tag: rules 2, 4 to 6 and 8 to 11. Rules 3 and 7, and the
parts that precede their index, are what comes out of judging a late event in its place: see `lateness`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from enforcer.events import Action, Event
from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.names import Digest
from enforcer.policies.policy import Protection


@dataclass(frozen=True, slots=True)
class Judgement:
    """The changes that an event makes: the new state of its tag, and the entries that are new or judged anew.

    `entries` begins with the event's own. `repeated` says that the event was judged before: nothing changes, and what
    follows from its decisions is done once more, in case it was not.
    """

    state: TagState
    entries: tuple[Entry, ...]
    repeated: bool = False


def judge_next(event: Event, state: TagState, protection: Protection | None) -> Judgement:
    """Judge the newest event of a tag: the usual case, which needs no history."""
    decision, record = judge(event, state.record, protection)
    entry = Entry(event, decision, protection, record)
    return Judgement(TagState(record, event.order, state.version + 1), (entry,))


def judge(event: Event, record: Record | None, protection: Protection | None) -> tuple[Decision, Record | None]:
    """Decide an event that follows all others of its tag: the decision, and the record from then on."""
    if event.action is Action.DELETE:
        return _judge_deletion(event, record, protection)
    assert event.digest is not None  # a push without one is refused where notifications are read
    is_recorded = record is not None and record.digest == event.digest
    if event.action is Action.APPROVE:  # 8, before the push: the digest is expected, and nothing else changes
        return Decision.NOTED, record if record is None or is_recorded else replace(record, approved=event.digest)
    if record is not None and is_recorded:
        return Decision.UNCHANGED, _completed(record, event)  # 5
    pushed = _made_by(event, event.digest)
    if event.action is Action.ADOPT or (record is not None and record.approved == event.digest):
        return Decision.APPROVED, pushed  # 8
    if protection is None or not protection.overwrite:
        return Decision.MOVED, pushed  # 2
    if record is None:
        settles = event.when.plus(protection.settle) if protection.settle else None
        return Decision.RECORDED, replace(pushed, settles=settles, client=event.client)  # 4
    if supersedes(event, record):
        return Decision.SUPERSEDED, replace(pushed, settles=record.settles, client=record.client)  # 6
    if event.digest in record.children:
        return Decision.PART, replace(record, deleted=False)  # 6a
    return Decision.OVERWRITTEN, replace(record, deleted=False)  # 9


def supersedes(event: Event, record: Record) -> bool:
    """Rule 6: an index of the record and of what its own client pushed since, who is the first push's."""
    if not record.is_settling(event.when) or record.digest not in event.children:
        return False
    own = {record.digest, *(child for child, time in event.pushed if time >= record.time)}
    return bool(event.client) and event.client == record.client and own.issuperset(event.children)


def _made_by(event: Event, digest: Digest) -> Record:
    return Record(
        digest=digest,
        time=event.when,
        media_type=event.media_type,
        children=event.children,
        event=event.id,
        actor=event.actor,
        address=event.address,
    )


def _completed(record: Record, event: Event) -> Record:
    """The record with what no event had told of its manifest; the tag is there again if it was deleted."""
    return replace(
        record,
        deleted=False,
        media_type=record.media_type or event.media_type,
        children=tuple(dict.fromkeys((*record.children, *event.children))),
    )


def _judge_deletion(
    event: Event, record: Record | None, protection: Protection | None
) -> tuple[Decision, Record | None]:
    # A registry announces the deletion of a digest once more for each of its tags: only the first one counts.
    if record is None or record.deleted:
        return Decision.UNCHANGED, record
    if event.digest is not None and event.digest not in record.digests:
        return Decision.UNCHANGED, record  # the tag is recorded with another digest than the deleted one
    if protection is not None and protection.delete:
        return Decision.DELETED, replace(record, deleted=True)  # 10
    return Decision.REMOVED, None  # 11
