"""Violations of the tag `team/app:1.0`, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from enforcer.judgement.record import Decision
from enforcer.judgement.violation import Violation
from enforcer.times import Time
from tests.fakes.events import NAME, digest


def violation(number: int = 1, **changes: Any) -> Violation:
    """The violation with that number: somebody pushed digest 2 where 1 is recorded."""
    time = Time("2026-11-22T04:06:40.5Z").plus(number)
    fields = {
        "id": f"{number:016x}",
        "name": NAME,
        "kind": Decision.OVERWRITTEN,
        "recorded": digest(1),
        "pushed": digest(2),
        "time": time,
        "arrived": time.plus(0.01),
        "event_id": f"event-{number}",
        "actor": "mallory",
        "address": "192.0.2.7:4711",
        "user_agent": "docker/28",
        "policies": (1,),
    }
    return Violation(**fields | changes)
