"""What is said about a fight: when it begins, when it grows worse, and when it is over."""

from __future__ import annotations

from dataclasses import replace

from enforcer.alerts.claims import claimed
from enforcer.alerts.message import Alert, Severity, describe
from enforcer.judgement.fight import Fight, Telling
from enforcer.judgement.violation import State, Violation

_OUTCOMES = {
    Telling.BEGINS: "open",
    Telling.JOINED: "open",
    Telling.ESCALATED: "fought over",
    Telling.RIVAL: "fought over",
    Telling.GOES_ON: "fought over",
    Telling.ENDS: "restored",
}


def fight_alert(fight: Fight, last: Violation, telling: Telling) -> Alert:
    """What there is to say of a fight, whose newest violation is `last`."""
    alert = Alert.of(_resolved(fight, last) if telling is Telling.ENDS else replace(last, problem=""))
    critical = telling in (Telling.ESCALATED, Telling.RIVAL) or (fight.escalated and telling is not Telling.ENDS)
    details = {
        "outcome": _OUTCOMES[telling],
        "pushes": fight.pushes,
        "undone": fight.undone,
        "pushers": [{"actor": each.actor, "address": each.address, "pushes": each.pushes} for each in fight.pushers],
    }
    return replace(
        alert,
        id=f"{fight.id}-{last.recorded[7:15]}-{telling.replace(' ', '-')}-{_number(fight, telling)}",
        severity=Severity.CRITICAL if critical else Severity.WARNING,
        text=_text(fight, last, telling),
        details=alert.details | details,
    )


def _number(fight: Fight, telling: Telling) -> int:
    """What tells two alerts of the same kind in one fight apart."""
    match telling:
        case Telling.JOINED:
            return len(fight.pushers)
        case Telling.GOES_ON:
            return fight.reminders
        case Telling.ENDS | Telling.RIVAL:
            return fight.pushes
    return 0


def _resolved(fight: Fight, last: Violation) -> Violation:
    return replace(last, state=State.RESTORED, exposure=fight.wrong, problem="")


def _text(fight: Fight, last: Violation, telling: Telling) -> str:
    where = f"{last.name.reference} in {last.name.registry}"
    match telling:
        case Telling.ENDS if fight.pushes == 1:
            return describe(_resolved(fight, last))
        case Telling.ENDS:
            changed = f"changed {_times(fight.pushes)} by {_pushers(fight)}, wrong for {fight.wrong} ms in all"
            return f"{where} is {last.recorded.short} again: {changed}"
        case Telling.ESCALATED:
            return f"{where} is changed again and again: {_so_far(fight)}. {_ADVICE}"
        case Telling.GOES_ON:
            return f"{where} is still being changed: {_so_far(fight)}. {_ADVICE}"
        case Telling.RIVAL:
            return (
                f"another Tag Enforcer restores {where}, with another record: ours is {last.recorded.short}, "
                f"it puts {last.pushed and last.pushed.short}. Let only one protect it"
            )
    return describe(replace(last, state=State.OPEN, exposure=None, problem=""))


_ADVICE = "It is put back each time; take these credentials away, or have pushes go through the gate"


def _so_far(fight: Fight) -> str:
    return f"{_times(fight.pushes)} by {_pushers(fight)}; our answer was undone {_times(fight.undone)}"


def _pushers(fight: Fight) -> str:
    named = [f"{claimed(each.actor, each.address, each.user_agent)} ({_times(each.pushes)})" for each in fight.pushers]
    return ", ".join([*named, f"others ({_times(fight.others)})"] if fight.others > 0 else named)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
