"""Data that outlives the program: what a later version adds is ignored, and what an earlier one wrote is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from enforcer.alerts.message import Alert
from enforcer.events import Event
from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.judgement.violation import Violation
from enforcer.policies.policy import Policy, Protection
from enforcer.policies.policy_set import Former
from enforcer.policies.unlock import Unlock
from enforcer.times import Time
from tests.fakes.events import MAIN, NAME, digest, push
from tests.fakes.policies import policy
from tests.fakes.violations import violation
from worker.enforcement.progress import Progress
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.observation import Difference
from worker.scanning.report import Report

NOW = Time("2026-11-22T04:00:00.750000000Z")
EVENT = push("event-1", digest(1))
RECORD = Record(digest=digest(1), time=NOW, children=(digest(2),))
PROTECTION = Protection(overwrite=True, delete=True, settle=5, enforce=True, policies=(1,))
ENTRY = Entry(EVENT, Decision.OVERWRITTEN, PROTECTION, RECORD)
STATE = TagState(RECORD, EVENT.order, 3)
UNLOCK = Unlock.parse(MAIN, "team/app:1.0", seconds=60, now=NOW, by="ops", reason="repair")
DIFFERENCE = Difference("main/team/app:1.0", digest(1), digest(2))


def widened(value: Any) -> Any:
    """The same JSON as a later version may write it: with one more key in every object."""
    if isinstance(value, dict):
        return {name: widened(each) for name, each in value.items()} | {"of_a_later_version": [1]}
    return [widened(each) for each in value] if isinstance(value, list) else value


def later(text: str) -> str:
    return json.dumps(widened(json.loads(text)))


def later_fields(fields: dict[str, Any]) -> Any:
    return json.loads(later(json.dumps(fields)))


READ = {
    "alert": (Alert.of(violation()), lambda one: Alert.from_json(later(one.to_json())).text, lambda one: one.text),
    "entry": (ENTRY, lambda one: Entry.from_json(later(one.to_json()), NAME), None),
    "event": (EVENT, lambda one: Event.from_json(later(one.to_json())), None),
    "arrival": (Arrival(EVENT, NOW), lambda one: Arrival.from_json(later(one.to_json())), None),
    "former policy": (Former(policy(), NOW), lambda one: Former.from_dict(later_fields(one.as_dict())), None),
    "policy": (policy(), lambda one: Policy.from_dict(later_fields(one.as_dict())), None),
    "record": (RECORD, lambda one: Record.from_dict(later_fields(one.as_dict())), None),
    "restore": (Progress(answered=2, look=1), lambda one: Progress.read(later(one.written())), None),
    "state": (STATE, lambda one: TagState.from_json(later(one.to_json()), 3), None),
    "walk": (
        Checkpoint(NOW, Report(looked=5, drift=1, drifted=[DIFFERENCE]), "team/app", "1.0"),
        lambda one: Checkpoint.read(later(one.to_json()), Time.now()),
        None,
    ),
    "unlock": (UNLOCK, lambda one: Unlock.from_dict(later_fields(one.as_dict())), None),
    "violation": (violation(), lambda one: Violation.from_dict(later_fields(one.as_dict())), None),
}


@pytest.mark.parametrize("kind", READ)
def test_what_a_later_version_adds_is_ignored(kind):
    """Whatever is read out of Redis may have keys that this version does not know, wherever in it."""
    stored, read, expected = READ[kind]
    assert read(stored) == (expected(stored) if expected else stored)


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", "null", '"text"', '{"answered": "two"}', '{"look": null}', "[" * 100_000, "half done"]
)
def test_an_unreadable_checkpoint_counts_as_none(text):
    """A restore whose checkpoint cannot be read begins anew, instead of failing for ever."""
    assert Progress.read(text) == Progress()
