"""What is said about a violation: one message for every channel."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from enforcer.alerts.claims import LONGEST_PROBLEM, claimed, shortened
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State, Violation
from enforcer.names import Digest, TagName
from enforcer.validation.stored import known_fields


class Severity(StrEnum):
    """How much of a hurry somebody should be in."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message; `details` is the violation, or whatever else it is about, as JSON."""

    id: str
    kind: str
    severity: Severity
    text: str
    details: dict[str, Any]

    @classmethod
    def of(cls, violation: Violation) -> Self:
        """What there is to say of a violation now."""
        stuck = bool(violation.problem) or violation.state is State.NOT_RESTORABLE
        outcome = _outcome(violation)
        return cls(
            id=f"{violation.id}-{violation.recorded[7:15]}-{outcome.replace(' ', '-')}-{violation.restores}",
            kind="violation",
            severity=Severity.CRITICAL if stuck else Severity.WARNING,
            text=describe(violation),
            details=_details(violation) | {"outcome": outcome},
        )

    def to_json(self) -> str:
        """The alert as one line, as it waits for its delivery."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote."""
        fields = json.loads(text)
        return cls(**known_fields(cls, fields) | {"severity": Severity(fields["severity"])})


def _outcome(violation: Violation) -> str:
    """The state as a receiver should see it: an open violation is restored as soon as a PUT holds, or failing."""
    if violation.state is not State.OPEN:
        return violation.state
    if violation.problem:
        return "failing"
    return State.RESTORED if violation.exposure is not None else State.OPEN


def _details(violation: Violation) -> dict[str, Any]:
    fields = violation.as_dict()
    return {
        "violation": violation.id,
        "registry": fields["registry"],
        "repository": fields["repository"],
        "tag": fields["tag"],
        "kind": fields["kind"],
        "recorded_digest": fields["recorded"],
        "pushed_digest": fields["pushed"],
        "actor": fields["actor"],
        "address": fields["address"],
        "user_agent": fields["user_agent"],
        "time": fields["time"],
        "original_time": fields["original_time"],
        "original_actor": fields["original_actor"],
        "original_address": fields["original_address"],
        "event": fields["event_id"],
        "exposure_ms": fields["exposure"],
        "restores": fields["restores"],
        "policies": fields["policies"],
        "problem": fields["problem"],
    }


def describe(violation: Violation) -> str:
    """A violation in words for people: which tag, what happened, who is said to have done it, what became of it."""
    who = claimed(violation.actor, violation.address, violation.user_agent)
    what = (
        f"deleted by {who}"
        if violation.kind is Decision.DELETED
        else f"overwritten with {violation.pushed and violation.pushed.short} by {who}"
    )
    return (
        f"{violation.name.reference} in {violation.name.registry} was {what} at {violation.time[:19]}Z; "
        f"{_consequence(violation)}{_original(violation)}{_hint(violation)}"
    )


def approval(name: TagName, digest: Digest) -> str:
    """The command by which an operator makes that digest the record."""
    return f"enforcer tag approve --registry {name.registry} {name.reference} {digest} --reason '…'"


def _original(violation: Violation) -> str:
    """Whose the original is: the owner's own push may be the one that was refused."""
    if violation.original_time is None or violation.state is State.WITHDRAWN:
        return ""
    client = claimed(violation.original_actor, violation.original_address)
    return f". The original was pushed by {client} at {violation.original_time[:19]}Z"


def _hint(violation: Violation) -> str:
    """The way on for whoever meant what was pushed, and for an old build tool, whose index lists the original."""
    if violation.pushed is None or violation.state in (State.APPROVED, State.RELEASED, State.WITHDRAWN):
        return ""
    meant = approval(violation.name, violation.pushed)
    if not violation.lists_recorded:
        return f". If the other one was meant: {meant}"
    return (
        f". What was pushed is an index that lists the original: old build tools push so. If it was meant: {meant}; "
        "for the future, buildx 0.22 or newer pushes parts by digest, and a policy may let new tags `settle`"
    )


def _consequence(violation: Violation) -> str:
    problem = shortened(violation.problem, LONGEST_PROBLEM)
    match _outcome(violation):
        case State.RESTORED:
            times = f" (restored {violation.restores} times so far)" if violation.restores > 1 else ""
            return f"{violation.recorded.short} is back after {violation.exposure} ms{times}"
        case State.IN_PLACE:
            return f"{violation.recorded.short} was in place when it was looked at"
        case State.APPROVED:
            return "an operator approved that"
        case State.RELEASED:
            return "it is not protected any more, so it was left as it is"
        case State.OBSERVED:
            return f"nothing was changed, the policy only observes; it should be {violation.recorded.short}"
        case State.NOT_RESTORABLE:
            return f"{violation.recorded.short} cannot be put back: {problem}"
        case State.WITHDRAWN:
            return "withdrawn: that digest turned out to be the original"
        case "failing":
            return f"{violation.recorded.short} is not back yet: {problem}"
    return f"{violation.recorded.short} is being put back"
