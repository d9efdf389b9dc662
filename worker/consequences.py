"""What follows from decisions: originals are kept, violations opened or withdrawn, tags restored, people told.

All of it may be done again after a crash: whatever was done already changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from enforcer.ledger.record import Decision, Entry
from enforcer.names import Digest, TagName
from enforcer.queue import Task
from enforcer.violations import State, Violation, violation_id
from worker.context import Context
from worker.judging import Judged
from worker.keep import keep_item

Decided = Sequence[tuple[TagName, Judged]]


def set_in_motion(context: Context, decided: Decided) -> None:
    """Do what follows from what was decided of each tag."""
    keep_originals(context, decided)
    pursue_violations(context, decided)


def keep_originals(context: Context, decided: Decided) -> None:
    """Have the manifests fetched that a protected tag is now recorded with."""
    items = {
        keep_item(name.registry, name.repository, entry.record.digest)
        for name, judged in decided
        for entry in judged.entries.values()
        if entry.protection and entry.record and entry.record.digest == entry.event.digest
        if entry.decision is not Decision.UNCHANGED
    }
    _keep(context, items)


def keep_if_missing(context: Context, name: TagName, digest: Digest) -> None:
    """Have a manifest fetched that is not kept, as one that was recorded before its tag was protected."""
    if not context.ledger.keeps(name.registry, name.repository, digest):
        _keep(context, [keep_item(name.registry, name.repository, digest)])


def _keep(context: Context, items: Iterable[str]) -> None:
    wanted = [(item, "") for item in items]
    if wanted:
        context.keeps.add(wanted)
        context.queues.wake(Task.KEEP)


def pursue_violations(context: Context, decided: Decided) -> None:
    """Open the violations that were found, withdraw those that are none any more, and have the tags restored."""
    rejudged = [judged.entries[order] for _, judged in decided for order in judged.rejudged]
    _withdraw(context, (entry for entry in rejudged if not entry.decision.is_violation))
    entries = [(name, entry) for name, judged in decided for entry in judged.entries.values()]
    found = [Violation.of(name, entry) for name, entry in entries if entry.decision.is_violation]
    if not found:
        return
    new = context.violations.open(found)
    context.alerts.announce_violations(violation for violation in new if violation.state is State.OBSERVED)
    restore(context, {violation.name for violation in found if violation.state is State.OPEN})


def restore(context: Context, names: Iterable[TagName]) -> None:
    """Have tags set to their records."""
    items = [(str(name), "") for name in names]
    if items:
        context.restores.add(items)
        context.queues.wake(Task.RESTORE)


def _withdraw(context: Context, entries: Iterable[Entry]) -> None:
    for entry in entries:
        violation = context.violations.get(violation_id(entry.event))
        if violation is not None and violation.state is not State.WITHDRAWN:
            withdrawn = violation.closed_as(State.WITHDRAWN)
            context.violations.update(withdrawn)
            context.alerts.announce_violations([withdrawn])
