"""Observations: tags as a scan saw them, and the events that they count as.

So they are judged by the same rules as what a registry announces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from enforcer.events import ENFORCER, Action, Event
from enforcer.judgement.record import TagState
from enforcer.names import Digest, TagName
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class Observation:
    """One tag: its state in the ledger, and the digest that the registry had at that time.

    `problem` says why that is not known.
    """

    name: TagName
    state: TagState
    found: Digest | None
    time: Time
    problem: str = ""

    @property
    def differs(self) -> bool:
        """The registry has something else than the ledger says."""
        record = self.state.record
        return self.found != (None if record is None else record.digest)


@dataclass(frozen=True, slots=True)
class Difference:
    """A tag whose record is another than what the registry has; `found` is None where it is gone.

    Or it is in place, and `lost` is one of the manifests below it, which is gone.
    """

    name: str
    recorded: str
    found: str | None
    lost: str | None = None

    @property
    def text(self) -> str:
        """The difference for people."""
        if self.lost:
            return f"{self.name} lists {self.lost}, which was gone"
        return f"{self.name} should be {self.recorded} and was {self.found or 'gone'}"

    @classmethod
    def of(cls, observation: Observation, *, lost: Digest | None = None) -> Self:
        """The difference that was observed of a tag with a record."""
        assert observation.state.record is not None
        return cls(str(observation.name), observation.state.record.digest, observation.found, lost)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `asdict` gave; unknown keys are ignored."""
        return cls(fields["name"], fields["recorded"], fields["found"], fields.get("lost"))


def observed_event(
    observation: Observation, by: str, event_id: str, *, time: Time | None = None, adopted: str = ""
) -> Event:
    """The state of a tag as a push or a deletion at that time, or when it was looked at.

    It is `adopted`, for that reason, where an operator wants it to be the record whatever that was.
    """
    name = observation.name
    action = Action.ADOPT if adopted else Action.PUSH
    return Event(
        registry=name.registry,
        action=Action.DELETE if observation.found is None else action,
        repository=name.repository,
        # The look came later than all that was known then, also where the registry's clock is ahead of ours.
        time=time or observation.state.time_after(observation.time),
        id=event_id,
        tag=name.tag,
        digest=observation.found,
        user_agent=f"tag-enforcer {by}",
        reason=adopted,
        source=ENFORCER,
    )
