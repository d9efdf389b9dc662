"""Arrivals: events to be judged, each with the time at which it was accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Self

from enforcer.events import Action, Event, Order
from enforcer.judgement.record import AHEAD, NOWHERE
from enforcer.names import Tag
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event to be judged, and when it was accepted: the same clock for every worker that judges it.

    `claimed` is the place in the order that an event from the future had before its time was set to now.
    """

    event: Event
    arrived: Time
    claimed: Order = NOWHERE

    @property
    def is_of_digest(self) -> bool:
        """True for the deletion of a manifest, which concerns every tag that needs the digest."""
        return self.event.tag is None and self.event.action is Action.DELETE

    def of_tag(self, tag: Tag) -> Arrival:
        """The same as the deletion of one tag."""
        return replace(self, event=replace(self.event, tag=tag))

    def timely(self) -> Arrival:
        """The arrival with a time that is not in the future: beyond what a fast clock explains, it counts as now."""
        if self.event.time <= self.arrived.plus(AHEAD):
            return self
        return replace(self, event=replace(self.event, time=self.arrived), claimed=self.event.order)

    def to_json(self) -> str:
        """The arrival as it is noted with the deletions of its repository."""
        return json.dumps({"arrived": self.arrived, "event": self.event.as_dict()}, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(Event.from_dict(fields["event"]), Time(fields["arrived"]))
