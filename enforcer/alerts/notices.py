"""Notices: decisions that are no violations, and that people must hear of all the same."""

from __future__ import annotations

from typing import Any

from enforcer.alerts.claims import claimed, found_by
from enforcer.alerts.message import Alert, Severity, approval
from enforcer.events import Event, fingerprint
from enforcer.judgement.record import Decision, Entry
from enforcer.names import Digest, TagName


def notice(name: TagName, entry: Entry, before: Digest | None) -> Alert | None:
    """What there is to say of a decision; `before` is the digest that was recorded until then. None if nothing is."""
    if entry.decision is Decision.SUPERSEDED and before is not None:
        return _alert(name, entry, Severity.WARNING, _superseded(name, entry, before), before)
    if entry.decision is Decision.CORRECTED and entry.record is not None and before is not None:
        return _alert(name, entry, Severity.CRITICAL, _corrected(name, entry, before), before)
    if entry.decision is Decision.PART and entry.record is not None and entry.protection and entry.protection.enforce:
        return _alert(name, entry, Severity.INFO, _part(name, entry, entry.record.digest), entry.record.digest)
    if entry.decision is Decision.RECORDED and entry.record is not None and not _is_baseline(entry.event):
        return _alert(name, entry, Severity.INFO, _recorded(name, entry), entry.record.digest)
    return None


def _is_baseline(event: Event) -> bool:
    """True for a tag that was there before: its record is no news."""
    return found_by(event.actor, event.address, event.user_agent) == "found by a baseline"


def _recorded(name: TagName, entry: Entry) -> str:
    event = entry.event
    who = claimed(event.actor, event.address, event.user_agent)
    return f"{name.reference} in {name.registry} is protected as {event.digest} from now on, pushed by {who}"


def _superseded(name: TagName, entry: Entry, before: Digest) -> str:
    return (
        f"{name.reference} in {name.registry} became the index {entry.event.digest}, which lists the first digest "
        f"{before}: the policy lets it settle, and both claim to be by one client. If that was no build of yours, "
        f"go back: {approval(name, before)}"
    )


def _corrected(name: TagName, entry: Entry, before: Digest) -> str:
    return (
        f"{name.reference} in {name.registry} was recorded as {before}; a push of {entry.event.digest} became known "
        f"that is older ({entry.event.time[:19]}Z), so that is the original now. If you do not know of it, the "
        f"notification token may have leaked. Go back: {approval(name, before)}"
    )


def _part(name: TagName, entry: Entry, record: Digest) -> str:
    part = entry.event.digest and entry.event.digest.short
    return (
        f"{part}, which {record.short} lists, was pushed as {name.reference} in {name.registry}; the index is put back"
    )


def _alert(name: TagName, entry: Entry, severity: Severity, text: str, recorded: Digest) -> Alert:
    event, kind = entry.event, str(entry.decision)
    # One for each digest that is pushed and each that is recorded: not one for each time that somebody pushes it.
    facts = (kind, str(name), recorded, event.digest)
    details: dict[str, Any] = {
        "registry": name.registry,
        "repository": name.repository,
        "tag": name.tag,
        "kind": kind,
        "recorded_digest": recorded,
        "pushed_digest": event.digest,
        "actor": event.actor,
        "address": event.address,
        "user_agent": event.user_agent,
        "time": event.time,
        "event": event.id,
    }
    return Alert(id=f"{fingerprint(*facts)[:16]}-{kind}", kind="notice", severity=severity, text=text, details=details)
