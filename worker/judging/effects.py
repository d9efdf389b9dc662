"""What follows from decisions: originals are kept, violations opened or withdrawn, tags restored, people told.

All of it may be done again after a crash: whatever was done already changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from enforcer.judgement.record import Decision, Entry
from enforcer.judgement.violation import State, Violation, violation_id
from enforcer.names import Digest, TagName
from enforcer.store.wakeups import Task
from worker.context import Context
from worker.enforcement.keep import keep_item
from worker.judging.judge import Judged

Decided = Sequence[tuple[TagName, Judged]]


def set_in_motion(context: Context, decided: Decided) -> None:
    """Do what follows from what was decided of each tag."""
    keep_originals(context, decided)
    pursue_violations(context, decided)
    set_right(context, decided)


def keep_originals(context: Context, decided: Decided) -> None:
    """Have the manifests fetched that a protected tag is now recorded with, whoever was free to push them."""
    policies = context.policies.current()
    items = {
        keep_item(name.registry, name.repository, entry.record.digest)
        for name, judged in decided
        for entry in judged.entries.values()
        if entry.record and entry.record.digest == entry.event.digest and entry.decision is not Decision.UNCHANGED
        if entry.protection or policies.protection(*name.parts, entry.event.time)
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
    """Open violations, withdraw those that are none any more; what others decided anew meanwhile counts."""
    while decided:
        _pursue(context, decided)
        decided = _overtaken(context, decided)


def _pursue(context: Context, decided: Decided) -> None:
    """Withdraw violations that are none any more, have the tags of new ones restored, and open these.

    Opening comes last, since what is open counts as done here: whoever dies before it begins anew. And a restore that
    sees an open violation knows that it was asked for.
    """
    violations = _violations(decided)
    known = context.violations.known(violations)
    for withdrawn in (known[each] for each, found in violations.items() if found is None and each in known):
        _withdraw(context, withdrawn)
    news = [found for found in violations.values() if found is not None and found.renews(known.get(found.id))]
    observed = [violation for violation in news if violation.state is State.OBSERVED]
    context.alerts.announce_violations(observed)
    restore(context, {violation.name for violation in news if violation.state is State.OPEN})
    context.violations.open(news)


def _overtaken(context: Context, decided: Decided) -> Decided:
    """What somebody else judged anew since it was decided, of all that violations were opened or withdrawn for."""
    pursued = {name: judged for name, judged in decided if _violations([(name, judged)])}
    states = context.ledger.states(pursued) if pursued else {}
    names = [name for name, state in states.items() if state.version != pursued[name].written]
    histories = context.ledger.histories(names) if names else {}
    return [(name, pursued[name].anew(states[name], history)) for name, history in histories.items()]


def _violations(decided: Decided) -> dict[str, Violation | None]:
    """The violations among the decisions by their ids, None for an event that was judged anew and is none now."""
    found: dict[str, Violation | None] = {}
    for name, judged in decided:
        for order, entry in judged.entries.items():
            if entry.decision.is_violation:
                found[violation_id(entry.event)] = Violation.of(name, entry)
            elif order in judged.rejudged:
                found[violation_id(entry.event)] = None
    return found


def set_right(context: Context, decided: Decided) -> None:
    """Where a tag was changed without a violation, but must be what its record says: parts of an index, approvals."""
    entries = [(name, entry) for name, judged in decided for entry in judged.entries.values()]
    restore(context, {name for name, entry in entries if entry.decision in (Decision.PART, Decision.APPROVED)})
    for name, entry in entries:
        if entry.decision is Decision.APPROVED:
            _close_approved(context, name, entry)


def _close_approved(context: Context, name: TagName, entry: Entry) -> None:
    for violation in context.violations.get_open(name):
        if violation.pushed == entry.event.digest:
            context.violations.update(violation.closed_as(State.APPROVED))


def restore(context: Context, names: Iterable[TagName]) -> None:
    """Have tags set to their records."""
    items = [(str(name), "") for name in names]
    if items:
        context.restores.add(items)
        context.queues.wake(Task.RESTORE)


def _withdraw(context: Context, violation: Violation) -> None:
    """Nobody hears of it who has not heard of the violation."""
    if violation.state is State.WITHDRAWN:
        return
    withdrawn = violation.closed_as(State.WITHDRAWN)
    if violation.told:
        context.alerts.announce_violations([withdrawn])
        context.violations.update(withdrawn)
    else:
        context.violations.forget(violation)
