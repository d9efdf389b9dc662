"""Arrivals: events to be judged, each with the time at which it was accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Self

from enforcer.events import Action, Event
from enforcer.names import Tag
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event to be judged, and when it was accepted: the same clock for every worker that judges it."""

    event: Event
    arrived: Time

    @classmethod
    def of(cls, event: Event) -> Self:
        """The arrival of an event of the log. One whose arrival nobody kept counts as in time."""
        return cls(event, event.arrived or event.when)

    @property
    def lateness(self) -> float:
        """The seconds that it was on its way."""
        return self.arrived.since(self.event.when)

    @property
    def is_of_digest(self) -> bool:
        """True for the deletion of a manifest, which concerns every tag that needs the digest."""
        return self.event.tag is None and self.event.action is Action.DELETE

    def of_tag(self, tag: Tag) -> Arrival:
        """The same as the deletion of one tag."""
        return replace(self, event=replace(self.event, tag=tag))

    def timely(self) -> Arrival:
        """The arrival with nothing done in the future: that counts as done when it arrived."""
        return self if self.event.when <= self.arrived else replace(self, event=replace(self.event, at=self.arrived))

    def to_json(self) -> str:
        """The arrival as it is noted with the deletions of its repository."""
        return json.dumps({"arrived": self.arrived, "event": self.event.as_dict()}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(Event.from_dict(fields["event"]), Time(fields["arrived"]))
