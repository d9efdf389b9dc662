"""The history of a tag as it is shown: newest first, and a deletion with the digest that the tag had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from enforcer.events import Action
from enforcer.judgement.record import Decision, Entry
from enforcer.names import Digest

USER_AGENT = "tag-enforcer"
"""The beginning of what our own requests call themselves."""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry, and the digest that it is about: what was pushed, or what the tag had when it was deleted."""

    entry: Entry
    digest: Digest | None

    @property
    def is_restore(self) -> bool:
        """True if we put the original back, or a client that claims to be us: nothing else came of it."""
        event = self.entry.event
        return (
            event.action is Action.PUSH
            and self.entry.decision is Decision.UNCHANGED
            and event.user_agent.startswith(USER_AGENT)
            and bool(event.address)
        )

    def as_dict(self) -> dict[str, Any]:
        """The line for JSON."""
        entry, event = self.entry, self.entry.event
        return {
            "id": event.id,
            "time": event.time,
            "action": event.action,
            "digest": self.digest,
            "media_type": event.media_type,
            "actor": event.actor,
            "address": event.address,
            "user_agent": event.user_agent,
            "reason": event.reason,
            "decision": entry.decision,
            "policies": list(entry.protection.policies) if entry.protection else [],
            "bypassed": list(entry.protection.bypassed) if entry.protection else [],
            "recorded": entry.record.digest if entry.record else None,
            "late": entry.late,
        }


def replaced_digest(entry: Entry, entries: Iterable[Entry]) -> Digest | None:
    """The digest whose place an event took, by the history of its tag; None if it took none's.

    What supersedes follows the record, what corrects it comes before it.
    """
    in_order = sorted((each for each in entries if not each.late), key=lambda each: each.event.order)
    if entry.decision is Decision.CORRECTED:
        pushes = (each.event for each in in_order if each.event.action is Action.PUSH)
        later = next((event for event in pushes if event.order > entry.event.order), None)
        return later.digest if later and later.digest != entry.event.digest else None
    before = [each.record for each in in_order if each.event.order < entry.event.order]
    return before[-1].digest if before and before[-1] else None


def newest_first(entries: Iterable[Entry]) -> list[Line]:
    """The lines of a history, from its entries as the ledger has them, whose newest is the last."""
    lines: list[Line] = []
    had: Digest | None = None
    for entry in entries:
        lines.append(Line(entry, entry.event.digest or had))
        if not entry.late:
            had = entry.record.digest if entry.record else None
    return lines[::-1]
