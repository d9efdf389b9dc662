"""Fights: all overwrites of one tag until it was right for ten seconds are one thing, and people hear of that thing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from enforcer.judgement.violation import Violation
from enforcer.validation.stored import known_fields

NAMED = 5
"""Pushers that are told of by name in one fight; more are only counted."""

ESCALATES = 3
"""So many of our PUTs undone are no accident."""

RESUMED = 600
"""Seconds within which another overwrite is still the same fight for those who are told."""

REMINDERS = (600, 3600)
"""Seconds after its beginning at which a fight that goes on is told again; afterwards once a day."""

DAY = 86_400


class Telling(StrEnum):
    """What there is to tell of a fight."""

    BEGINS = "begins"
    JOINED = "joined"
    ESCALATED = "escalated"
    RIVAL = "rival"
    GOES_ON = "goes on"
    ENDS = "ends"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pusher:
    """A claimed actor and address of those who change the tag, and how often they did."""

    actor: str = ""
    address: str = ""
    user_agent: str = ""
    pushes: int = 0

    @classmethod
    def of(cls, violation: Violation) -> Self:
        """Who did that, as claimed; the port of an address is another one each time."""
        host = violation.address.rpartition(":")[0] or violation.address
        return cls(actor=violation.actor, address=host, user_agent=violation.user_agent)

    def is_same(self, other: Pusher) -> bool:
        """True for the same claimed actor at the same address."""
        return (self.actor, self.address) == (other.actor, other.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fight:
    """The overwrites and deletions of one tag. Times are milliseconds since 1970 by Redis's clock, 0 for never.

    `wrong` is for how long the tag was wrong in all, and `wrong_since` from when on it is; it was seen right or
    put right at `right_at`. `undone` counts our PUTs that did not last. `last` is the newest violation's id. The newest
    ones may be by a `rival`: another Tag Enforcer. All may be `doubtful`: then they are told when it is over.
    """

    id: str
    began: int
    last: str = ""
    pushes: int = 0
    pushers: tuple[Pusher, ...] = ()
    undone: int = 0
    wrong: int = 0
    wrong_since: int = 0
    right_at: int = 0
    ended: int = 0
    end_told: int = 0
    doubtful: bool = True
    rival: bool = False
    told: bool = False
    escalated: bool = False
    reminders: int = 0

    @classmethod
    def pushed(cls, fight: Fight | None, violations: Iterable[Violation], now: int, *, rival: bool = False) -> Fight:
        """The fight after these violations, the one before or a new one."""
        found = sorted(violations, key=lambda violation: violation.time)
        first = found[0]
        if fight is None or (fight.ended and now - fight.ended > RESUMED * 1000):
            fight = cls(id=first.id, began=_arrived(first))
        if fight.ended:
            fight = replace(fight, ended=0)
        if fight.pushes:  # a look of ours that finds the tag wrong meanwhile is nobody's push
            found = [violation for violation in found if not _is_finding(violation)]
            if not found:
                return fight.turned_wrong(max(fight.right_at, min(_arrived(first), now)))
        for violation in found:
            fight = fight.counting(Pusher.of(violation))
        fight = fight.turned_wrong(max(fight.right_at, min(_arrived(first), now)))
        doubtful = fight.doubtful and all(violation.doubtful for violation in found)
        return replace(fight, pushes=fight.pushes + len(found), last=found[-1].id, rival=rival, doubtful=doubtful)

    def withdrawn(self) -> Fight:
        """One violation less: it turned out to be none."""
        return replace(self, pushes=max(0, self.pushes - 1))

    def put(self, now: int) -> Fight:
        """A PUT of ours was taken."""
        wrong = max(0, now - self.wrong_since) if self.wrong_since else 0
        return replace(self, wrong=self.wrong + wrong, wrong_since=0, right_at=now)

    def seen_right(self, now: int) -> Fight:
        """A look found the tag right; where a push came meanwhile, that is no news of it."""
        return self if self.wrong_since else replace(self, right_at=now)

    def seen_wrong(self, now: int) -> Fight:
        """A look found the tag wrong: since when, only the registry knows; half the time is the least error."""
        return self.turned_wrong((self.right_at + now) // 2 if self.right_at else now)

    def over(self, now: int) -> tuple[Fight, list[Telling]]:
        """The tag was right for long enough; that is told, unless it was lately, since the fight is still the same."""
        ended = replace(self, ended=now)
        if not self.pushes or (self.end_told and now - self.end_told < RESUMED * 1000):
            return ended, []
        return replace(ended, end_told=now), [Telling.ENDS]

    def news(self, now: int, before: Fight | None) -> tuple[Fight, list[Telling]]:
        """What is to be told now, and the fight once it is."""
        if not self.told:
            begins = self.pushes > 0 and not self.doubtful and not self.ended
            told = Telling.RIVAL if self.rival else Telling.BEGINS
            return (replace(self, told=True), [told]) if begins else (self, [])
        fight, found = self, []
        if self.rival and not (before and before.rival):
            found.append(Telling.RIVAL)
        if before is not None and len(self.pushers) > len(before.pushers):
            found.append(Telling.JOINED)
        if self.undone >= ESCALATES and not self.escalated:
            fight, found = replace(fight, escalated=True), [Telling.ESCALATED]
        if not self.ended and now - self.began >= self._reminder * 1000:
            fight = replace(fight, reminders=self.reminders + 1)
            found = found or [Telling.GOES_ON]
        return fight, found

    @property
    def others(self) -> int:
        """Pushes by those beyond the ones who are named."""
        return self.pushes - sum(pusher.pushes for pusher in self.pushers)

    def to_json(self) -> str:
        """The fight as one line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = known_fields(cls, json.loads(text))
        pushers = tuple(Pusher(**known_fields(Pusher, each)) for each in fields.get("pushers", ()))
        return cls(**fields | {"pushers": pushers})

    @property
    def _reminder(self) -> int:
        """Seconds from the beginning to the next reminder."""
        beyond = self.reminders - len(REMINDERS)
        return REMINDERS[self.reminders] if beyond < 0 else (beyond + 1) * DAY

    def turned_wrong(self, since: int) -> Fight:
        """From when on the tag is wrong, unless it is already; of what a PUT of ours had put right that is undone."""
        if self.wrong_since:
            return self
        return replace(self, wrong_since=since, undone=self.undone + bool(self.right_at))

    def counting(self, pusher: Pusher) -> Fight:
        """One more push; beyond so many pushers nobody more is named."""
        counted = [replace(each, pushes=each.pushes + each.is_same(pusher)) for each in self.pushers]
        if not any(map(pusher.is_same, self.pushers)) and len(counted) < NAMED:
            counted.append(replace(pusher, pushes=1))
        return replace(self, pushers=tuple(counted))


def _is_finding(violation: Violation) -> bool:
    """True for what a sweep or baseline of ours found."""
    return not (violation.actor or violation.address) and violation.user_agent.startswith("tag-enforcer ")


def _arrived(violation: Violation) -> int:
    return round(violation.arrived_at * 1000)
