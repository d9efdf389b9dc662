"""Outcomes: what becomes of the open violations of a tag while it is restored, and what people hear of it.

They are told before it is written down: whoever dies in between tells them twice, under the same id, and not never.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from enforcer.judgement.violation import State, Violation
from enforcer.names import TagName
from worker.context import Context


def report_held(context: Context, violations: Iterable[Violation], *, put: float, puts: int, last: bool) -> None:
    """The registry holds the record since the last of so many PUTs; `put` is its time in seconds since 1970."""
    for violation in violations:
        exposure = max(0, round(put * 1000 - violation.time.nanoseconds / 1_000_000))
        now = replace(violation, state=State.OPEN, exposure=exposure, restores=puts, problem="", closed=None)
        if last:
            now = now.closed_as(State.RESTORED, context.timing.now(), exposure=exposure)
        if _is_news(violation, puts) and (last or violation.told or not violation.doubtful):
            now = replace(now, told=True)
            context.alerts.announce_violations([now])
        if now != violation:
            context.violations.update(now)


def _is_news(violation: Violation, puts: int) -> bool:
    """The first time that it held, and then the 2nd, 4th, 8th …: who puts back for hours does not shout for hours."""
    first = not violation.told or violation.exposure is None
    return first or (violation.restores != puts and puts.bit_count() == 1)


def report_in_place(context: Context, violations: Iterable[Violation]) -> None:
    """What is long past has left no trace: the registry holds the record."""
    for violation in violations:
        now = replace(violation.closed_as(State.IN_PLACE, context.timing.now()), told=True)
        context.alerts.announce_violations([now])
        context.violations.update(now)


def close_held(context: Context, name: TagName) -> None:
    """Somebody changed the tag once more: what is known to have held until then is another matter, and over."""
    for violation in context.violations.get_open(name):
        if violation.exposure is not None and violation.told:
            context.violations.update(
                violation.closed_as(State.RESTORED, context.timing.now(), exposure=violation.exposure)
            )


def report_failing(context: Context, name: TagName, problem: str) -> None:
    """The tag cannot be restored for now; of each violation people are told once, until it held in between."""
    for violation in context.violations.get_open(name):
        if not violation.problem:
            stuck = replace(violation, problem=problem, exposure=None, told=True)
            context.alerts.announce_violations([stuck])
            context.violations.update(stuck)


def report_lost(context: Context, name: TagName, problem: str) -> bool:
    """The tag cannot be restored at all; returns whether there was any violation to say it of."""
    violations = context.violations.get_open(name)
    for violation in violations:
        lost = replace(violation, state=State.NOT_RESTORABLE, problem=problem, exposure=None, told=True)
        if lost != violation:
            context.alerts.announce_violations([lost])
            context.violations.update(lost)
    return bool(violations)


def report_released(context: Context, name: TagName) -> None:
    """Nothing has to be restored any more: the tag was unlocked, or its policy or registry is gone."""
    for violation in context.violations.get_open(name):
        released = replace(violation.closed_as(State.RELEASED, context.timing.now()), told=True)
        context.alerts.announce_violations([released])
        context.violations.update(released)
