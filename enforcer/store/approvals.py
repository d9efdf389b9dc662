"""Approvals: an operator lets a tag become another digest, before or after somebody pushes it.

An approval is an event like any other: it waits in the log for a worker, is judged, and has its place in the history.
Where the registry has the digest by then, that becomes the record and the tag is set to it; else it is expected: the
next push of it is no violation, and a sweep that finds it makes it the record.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from enum import StrEnum

from enforcer.events import ENFORCER, Action, Event
from enforcer.judgement.record import Decision
from enforcer.names import Digest, TagName
from enforcer.store.audit import Audit
from enforcer.store.ledger import Ledger
from enforcer.store.log import Log
from enforcer.store.wakeups import Queues, Task
from enforcer.times import Time

POLL = 0.05
"""Seconds between two looks at what became of an approval."""


def random_id() -> str:
    """A part of an id that no other has."""
    return secrets.token_hex(8)


class Outcome(StrEnum):
    """What became of an approval."""

    ADOPTED = "adopted"
    EXPECTED = "expected"
    UNCHANGED = "unchanged"
    WAITING = "waiting"


class Approvals:
    """Gives approvals, and tells what became of them."""

    def __init__(
        self,
        audit: Audit,
        ledger: Ledger,
        log: Log,
        queues: Queues,
        *,
        clock: Callable[[], Time] = Time.now,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._audit, self._ledger, self._log, self._queues = audit, ledger, log, queues
        self._clock, self._new_id = clock, new_id

    def approve(self, name: TagName, digest: Digest, *, by: str, reason: str) -> Event:
        """Let the tag become that digest, as soon as a worker judges this; returns the event that says so."""
        state = self._ledger.state(name)
        event = Event(
            registry=name.registry,
            action=Action.APPROVE,
            repository=name.repository,
            time=state.time_after(self._clock()),
            id=f"approve-{self._new_id()}",
            tag=name.tag,
            digest=digest,
            actor=by,
            user_agent="tag-enforcer",
            reason=reason,
            source=ENFORCER,
        )
        # First, so that nothing is approved of which the audit does not know.
        place = {"registry": name.registry, "repository": name.repository, "tag": name.tag}
        before = place | {"digest": state.record.digest} if state.record else None
        self._audit.add("approved", by, reason=reason, before=before, after=place | {"digest": digest})
        if self._log.append([event]):
            self._queues.enqueue(Task.DRAIN)
        return event

    def outcome(self, event: Event) -> Outcome:
        """What became of an approval so far."""
        assert event.tag_name is not None  # `approve` gives it one
        entry = next((each for each in self._ledger.history(event.tag_name) if each.event.id == event.id), None)
        if entry is None:
            return Outcome.WAITING
        if entry.decision is Decision.APPROVED:
            return Outcome.ADOPTED
        is_recorded = entry.record is not None and entry.record.digest == event.digest
        return Outcome.UNCHANGED if is_recorded else Outcome.EXPECTED

    def wait(self, event: Event, *, seconds: float) -> Outcome:
        """What became of an approval once a worker has judged it, or `WAITING` after so many seconds."""
        deadline = time.monotonic() + seconds
        while (outcome := self.outcome(event)) is Outcome.WAITING and time.monotonic() < deadline:
            time.sleep(POLL)
        return outcome
