"""Policies and unlocks as a model knows them, with the time for which each was in force."""

from __future__ import annotations

from dataclasses import dataclass, field

from enforcer.names import Namespace, Tag
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.times import Time
from tests.fakes.events import APP, MAIN
from tests.fakes.model import Did, Rule, binding


@dataclass(frozen=True)
class Policed:
    """A policy as the model knows it, in force from `since` on."""

    pattern: str
    since: Time
    rule: Rule
    bypass: str | None = None
    disabled: bool = False

    def covers(self, tag: Tag, time: Time) -> bool:
        """Whether it is in force for the tag, whoever it is."""
        return not self.disabled and self.since <= time and selects(self.pattern, tag)

    def binds(self, what: Did) -> bool:
        return not (bool(what.actor) and what.actor == self.bypass and what.action in ("push", "delete"))

    def policy(self) -> Policy:
        against = {Against.OVERWRITE: self.rule.overwrite, Against.DELETE: self.rule.delete}
        return Policy(
            id=0,
            registry=MAIN,
            namespace=Namespace(APP.namespace),
            repositories=Selector.from_dict({"decoration": "repoMatches", "pattern": "**"}),
            tags=Selector.from_dict({"decoration": "matches", "pattern": self.pattern}),
            disabled=self.disabled,
            mode=Mode.ENFORCE if self.rule.enforce else Mode.OBSERVE,
            protect=frozenset(kind for kind, wanted in against.items() if wanted),
            settle=self.rule.settle,
            bypass_actors=frozenset(filter(None, [self.bypass])),
            effective_since=self.since,
        )


def selects(pattern: str, tag: Tag) -> bool:
    """Whether one of the few patterns that a run uses means the tag."""
    return pattern in ("**", "*") or tag.startswith(pattern[:2])


@dataclass
class Unlocked:
    """An unlock as the model knows it."""

    id: int
    pattern: str
    begins: Time
    ends: Time


@dataclass
class Regime:
    """All policies and unlocks; of each policy every revision since when, None where it was deleted."""

    policies: dict[int, list[tuple[Time, Policed | None]]] = field(default_factory=dict)
    unlocks: list[Unlocked] = field(default_factory=list)

    @property
    def current(self) -> dict[int, Policed]:
        """The policies that there are."""
        latest = {number: revisions[-1][1] for number, revisions in self.policies.items()}
        return {number: policed for number, policed in latest.items() if policed is not None}

    @property
    def has_policy(self) -> bool:
        """Whether any policy is switched on."""
        return any(not policed.disabled for policed in self.current.values())

    def change(self, number: int, policed: Policed | None, now: Time) -> None:
        """From now on a policy is that."""
        self.policies.setdefault(number, []).append((now, policed))

    def rules(self, tag: Tag, what: Did) -> list[Rule]:
        """What was in force for the tag when it happened, or when it became known if that adds anything."""
        return binding(what, lambda time: [each.rule for each in self._covering(tag, time) if each.binds(what)])

    def covers(self, tag: Tag, what: Did) -> bool:
        """Whether anything was in force for the tag when it happened or became known, whoever did it."""
        return any(self._covering(tag, time) for time in what.times)

    def _covering(self, tag: Tag, time: Time) -> list[Policed]:
        if any(selects(each.pattern, tag) and each.begins <= time < each.ends for each in self.unlocks):
            return []
        at = (_at(revisions, time) for revisions in self.policies.values())
        return [policed for policed in at if policed is not None and policed.covers(tag, time)]


def _at(revisions: list[tuple[Time, Policed | None]], time: Time) -> Policed | None:
    return next((policed for since, policed in reversed(revisions) if since <= time), None)
