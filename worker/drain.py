"""Drain: judge what stands in the log, and set in motion what follows from the decisions."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence

from enforcer.ledger.record import Decision, Entry
from enforcer.log import Arrival, DeadLetter
from enforcer.names import TagName
from enforcer.queue import Task
from enforcer.violations import State, Violation, violation_id
from worker.context import Context
from worker.judging import Case, Judge, Judged
from worker.keep import keep_item

logger = logging.getLogger(__name__)

BUDGET = 15
"""Seconds after which a drain makes room for the next job; well below RQ's time-out."""


def drain(context: Context) -> int:
    """Judge all events that nobody has judged; returns how many there were."""
    until = time.monotonic() + BUDGET
    count = 0
    for batch in context.log.batches(context.consumer):
        judge_batch(context, batch)
        context.log.acknowledge(batch)
        count += len(batch)
        if time.monotonic() > until:
            context.queues.wake(Task.DRAIN)
            break
    return count


def judge_batch(context: Context, batch: Sequence[Arrival]) -> None:
    """Judge a batch; when it comes again after a crash, nothing changes and what follows is set in motion again."""
    _bury_unreadable(context, batch)
    judge = Judge(context.ledger, context.policies.current(), context.settings.late_window)
    cases = (Case(arrival.event, arrival.time) for arrival in batch if arrival.event is not None)
    decided = list(judge.judge(cases))
    keep_originals(context, decided)
    pursue_violations(context, decided)


def _bury_unreadable(context: Context, batch: Iterable[Arrival]) -> None:
    lost = [arrival for arrival in batch if arrival.event is None]
    for arrival in lost:
        logger.error("entry %s of the log is no event: moved to the dead letters", arrival.entry_id)
    if lost:
        context.log.bury(DeadLetter("unknown", "an entry of the log is no event", arrival.text) for arrival in lost)


def keep_originals(context: Context, decided: Iterable[tuple[TagName, Judged]]) -> None:
    """Have the manifests fetched that a protected tag is now recorded with."""
    items = {
        keep_item(name.registry, name.repository, entry.record.digest)
        for name, judged in decided
        for entry in judged.entries.values()
        if entry.protection and entry.record and entry.record.digest == entry.event.digest
        if entry.decision is not Decision.UNCHANGED
    }
    if items:
        context.keeps.add((item, "") for item in items)
        context.queues.wake(Task.KEEP)


def pursue_violations(context: Context, decided: Sequence[tuple[TagName, Judged]]) -> None:
    """Open the violations that were found, withdraw those that are none any more, and have the tags restored."""
    entries = [(name, entry) for name, judged in decided for entry in judged.entries.values()]
    found = [Violation.of(name, entry) for name, entry in entries if entry.decision.is_violation]
    rejudged = [judged.entries[order] for _, judged in decided for order in judged.rejudged]
    _withdraw(context, (entry for entry in rejudged if not entry.decision.is_violation))
    if not found:
        return
    new = context.violations.open(found)
    context.alerts.announce_violations(violation for violation in new if violation.state is State.OBSERVED)
    to_restore = {str(violation.name) for violation in found if violation.state is State.OPEN}
    if to_restore:
        context.restores.add((name, "") for name in to_restore)
        context.queues.wake(Task.RESTORE)


def _withdraw(context: Context, entries: Iterable[Entry]) -> None:
    for entry in entries:
        violation = context.violations.get(violation_id(entry.event))
        if violation is not None and violation.state is not State.WITHDRAWN:
            withdrawn = violation.closed_as(State.WITHDRAWN)
            context.violations.update(withdrawn)
            context.alerts.announce_violations([withdrawn])
