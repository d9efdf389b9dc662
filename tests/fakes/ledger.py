"""A ledger with a past."""

from __future__ import annotations

from itertools import count
from typing import Any

from enforcer.events import Action, Event
from enforcer.judgement.record import TagState
from enforcer.judgement.rules import judge_next
from enforcer.names import TagName
from enforcer.policies.policy import Policy
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Change, Ledger
from enforcer.times import Time
from tests.fakes.events import NAME, digest


class Past:
    """Puts events into a ledger, each a second later than the one before, judged under some policies."""

    def __init__(self, ledger: Ledger, *policies: Policy, began: Time) -> None:
        self.ledger = ledger
        self.policies = PolicySet(policies, asking=[NAME.registry])
        self.began = began
        self._numbers = count(1)

    def push(self, number: int, name: TagName = NAME, time: Time | None = None, **fields: Any) -> Event:
        """Somebody pushed the digest with that number."""
        return self._add(name, Action.PUSH, time, {"digest": digest(number), **fields})

    def delete(self, name: TagName = NAME, time: Time | None = None, **fields: Any) -> Event:
        """Somebody deleted the tag."""
        return self._add(name, Action.DELETE, time, fields)

    def _add(self, name: TagName, action: Action, time: Time | None, fields: dict[str, Any]) -> Event:
        number = next(self._numbers)
        event = Event(
            registry=name.registry,
            repository=name.repository,
            tag=name.tag,
            action=action,
            time=time or self.began.plus(number),
            id=f"event-{number}",
            **fields,
        )
        before = self.ledger.state(name)
        protection = self.policies.protection(name.registry, name.repository, name.tag, event.time, event.actor)
        judged = judge_next(event, before, protection)
        after = TagState(judged.state.record, judged.state.last, before.version + 1)
        assert not self.ledger.write([Change(name, before.version, after, judged.entries)])
        return event
