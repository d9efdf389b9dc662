"""What becomes of fights while they are judged and restored, and what people hear of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from enforcer.alerts.fight_message import fight_alert
from enforcer.alerts.outbox import Alerts
from enforcer.judgement.fight import Fight, Telling
from enforcer.judgement.violation import Violation
from enforcer.names import Digest, TagName
from enforcer.store.fights import Fights
from enforcer.store.violations import Violations
from worker.context import Context


@dataclass(frozen=True, slots=True)
class FightReport:
    """Writes what happened in a fight, and tells what is news: first tells, so that a crash tells twice and not never.

    Each returns when it was, in seconds by Redis's clock. Where there is no fight, there is none after.
    """

    fights: Fights
    violations: Violations
    alerts: Alerts

    @classmethod
    def of(cls, context: Context) -> Self:
        """The fights of an installation."""
        return cls(context.stores.fights, context.violations, context.alerts)

    def pushed(self, name: TagName, violations: Sequence[Violation], *, rival: bool = False) -> None:
        """A tag was changed."""
        newest = max(violations, key=lambda violation: violation.time)

        def step(fight: Fight | None, now: int) -> Fight:
            return Fight.pushed(fight, violations, now, rival=rival)

        self._change(name, step, newest)

    def withdrawn(self, name: TagName) -> None:
        """A violation of the tag turned out to be none."""
        self._change(name, lambda fight, _: fight.withdrawn() if fight else None)

    def put(self, name: TagName) -> float:
        """A PUT of ours was taken."""
        return self._change(name, lambda fight, now: fight.put(now) if fight else None)

    def seen_right(self, name: TagName) -> float:
        """A look found the tag right."""
        return self._change(name, lambda fight, now: fight.seen_right(now) if fight else None)

    def seen_wrong(self, name: TagName) -> float:
        """A look found the tag wrong."""
        return self._change(name, lambda fight, now: fight.seen_wrong(now) if fight else None)

    def is_with_rival(self, name: TagName) -> bool:
        """True if another Tag Enforcer changes the tag."""
        fight = self.fights.get(name)
        return fight is not None and fight.rival

    def over(self, name: TagName, record: Digest) -> None:
        """The tag was right for long enough."""

        def end(fight: Fight | None, now: int) -> Fight | None:
            if fight is None:
                return None
            ended, tellings = fight.over(now)
            self._tell(ended, name, tellings, record=record)
            return ended

        self.fights.change(name, end)

    def drop(self, name: TagName) -> None:
        """There is no fight any more, for a reason that is told by itself."""
        self.fights.change(name, lambda fight, now: replace(fight, ended=now) if fight else None)

    def _change(
        self,
        name: TagName,
        step: Callable[[Fight | None, int], Fight | None],
        newest: Violation | None = None,
    ) -> float:
        def changed(before: Fight | None, now: int) -> Fight | None:
            after = step(before, now)
            if after is None:
                return None
            after, tellings = after.news(now, before)
            self._tell(after, name, tellings, newest)
            return after

        return self.fights.change(name, changed)[2] / 1000

    def _tell(
        self,
        fight: Fight,
        name: TagName,
        tellings: Sequence[Telling],
        newest: Violation | None = None,
        *,
        record: Digest | None = None,
    ) -> None:
        last = (newest or self.violations.get(fight.last)) if tellings else None
        if last is not None and last.name == name:
            last = replace(last, recorded=record or last.recorded)
            self.alerts.announce(fight_alert(fight, last, telling) for telling in tellings)
