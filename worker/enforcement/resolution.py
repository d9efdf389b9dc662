"""Resolution: what becomes of the open violations of a tag while it is restored, and what people hear of it.

They are told before it is written down: a worker that dies in between tells them twice, under the same id, and not
never. While a tag is fought over, people hear of the fight and not of each violation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from enforcer.judgement.violation import State, Violation
from enforcer.names import TagName
from worker.context import Context
from worker.enforcement.progress import Progress


def report_held(context: Context, violations: Sequence[Violation], progress: Progress, *, last: bool) -> None:
    """The registry holds the record since the last PUT."""
    newest = max(violations, key=lambda violation: violation.arrived_at, default=None)
    for violation in violations:
        exposure = _exposure(violation, progress)
        if violation is not newest and violation.exposure is not None:
            exposure = violation.exposure  # what came after it is another's
        now = replace(violation, state=State.OPEN, exposure=exposure, restores=progress.puts, problem="", closed=None)
        if last:
            now = replace(now.closed_as(State.RESTORED, context.timing.now(), exposure=exposure), told=True)
        if now != violation:
            context.violations.update(now)


def close_answered(context: Context, name: TagName, before: Progress) -> None:
    """The tag was changed once more: what was put right before that is another matter, and over."""
    if not before.puts:
        return
    for violation in context.violations.get_open(name):
        # Redis tells milliseconds: what arrived within the one in which our PUT returned may have come after it.
        if violation.exposure is not None or violation.arrived_at + 0.001 <= before.answered_at:
            exposure = _exposure(violation, before)
            context.violations.update(violation.closed_as(State.RESTORED, context.timing.now(), exposure=exposure))


def report_in_place(context: Context, violations: Sequence[Violation]) -> None:
    """What is long past has left no trace: the registry holds the record."""
    for violation in violations:
        now = replace(violation.closed_as(State.IN_PLACE, context.timing.now()), told=True)
        context.alerts.announce_violations([now])
        context.violations.update(now)


def report_failing(context: Context, name: TagName, problem: str) -> None:
    """The tag cannot be restored for now; people are told once, until it held in between."""
    violations = context.violations.get_open(name)
    is_news = not any(violation.problem for violation in violations)
    for violation in violations:
        if not violation.problem:
            stuck = replace(violation, problem=problem, exposure=None, told=True)
            if is_news:
                context.alerts.announce_violations([stuck])
                is_news = False
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
    """Nothing has to be restored any more: the tag was unlocked, or its policy is gone."""
    for violation in context.violations.get_open(name):
        released = replace(violation.closed_as(State.RELEASED, context.timing.now()), told=True)
        context.alerts.announce_violations([released])
        context.violations.update(released)


def _exposure(violation: Violation, progress: Progress) -> int:
    """The milliseconds for which the tag was wrong because of it: until our answer, and while looks found it wrong."""
    return max(0, round((max(0, progress.answered_at - violation.arrived_at) + progress.wrong) * 1000))
