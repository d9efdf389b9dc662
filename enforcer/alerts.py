"""Alerts: what is said about a violation, and to whom.

An alert goes to each channel until that channel took it: at least once, with an id by which a receiver knows it again.
The webhook's body is JSON, and its header `X-Tag-Enforcer-Signature` is `sha256=` and the hex HMAC-SHA256 of the body
under the shared secret; `sent_at` inside tells old from new.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

import requests
from redis import Redis

from enforcer.agenda import Agenda
from enforcer.errors import EnforcerError
from enforcer.ledger.record import Decision
from enforcer.queue import Queues, Task
from enforcer.settings import AlertSettings
from enforcer.times import Time
from enforcer.violations import State, Violation

logger = logging.getLogger(__name__)
# Apprise logs URLs and tokens that it cannot use. Only what it says of a delivery is free of them.
_DELIVERIES = ("Failed to send", "A Connection error occurred")
logging.getLogger("apprise").addFilter(lambda record: record.getMessage().startswith(_DELIVERIES))

SIGNATURE = "X-Tag-Enforcer-Signature"
DELIVERY = "X-Tag-Enforcer-Delivery"
TIMEOUT = 10
"""Seconds for one delivery."""


class Severity(StrEnum):
    """How much of a hurry somebody should be in."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertFailed(EnforcerError):
    """A channel did not take an alert; it is tried again."""


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
        return cls(**fields | {"severity": Severity(fields["severity"])})


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
        "event": fields["event_id"],
        "exposure_ms": fields["exposure"],
        "restores": fields["restores"],
        "policies": fields["policies"],
        "problem": fields["problem"],
    }


def describe(violation: Violation) -> str:
    """A violation in words for people: which tag, what happened, who did it, and what became of it."""
    who = violation.actor or "somebody unnamed"
    where = f" from {violation.address}" if violation.address else ""
    what = (
        f"deleted by {who}{where}"
        if violation.kind is Decision.DELETED
        else f"overwritten with {violation.pushed and violation.pushed.short} by {who}{where}"
    )
    return (
        f"{violation.name.reference} in {violation.name.registry} was {what} at {violation.time[:19]}Z; "
        f"{_consequence(violation)}"
    )


def _consequence(violation: Violation) -> str:
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
            return f"{violation.recorded.short} cannot be put back: {violation.problem}"
        case State.WITHDRAWN:
            return "withdrawn: that digest turned out to be the original"
        case "failing":
            return f"{violation.recorded.short} is not back yet: {violation.problem}"
    return f"{violation.recorded.short} is being put back"


class Channel(Protocol):
    """Where alerts go."""

    def send(self, alert: Alert) -> None:
        """Deliver one alert. Raises `AlertFailed` if the other side did not take it."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Our own JSON, signed."""

    url: str
    secret: str

    def send(self, alert: Alert) -> None:
        """POST the alert; any 2xx takes it."""
        body = self.body(alert, Time.now())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "tag-enforcer",
            DELIVERY: alert.id,
            SIGNATURE: sign(body, self.secret),
        }
        try:
            with requests.post(
                self.url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                if not 200 <= answer.status_code < 300:
                    raise AlertFailed(f"the webhook answered {answer.status_code}")
        except requests.RequestException as error:
            raise AlertFailed(f"the webhook cannot be reached: {type(error).__name__}") from error

    @staticmethod
    def body(alert: Alert, sent_at: Time) -> bytes:
        """The signed bytes."""
        fields = {
            "id": alert.id,
            "type": alert.kind,
            "severity": alert.severity,
            "text": alert.text,
            "sent_at": sent_at,
        }
        return json.dumps(fields | alert.details).encode()


def sign(body: bytes, secret: str) -> str:
    """The value of the signature header for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class AppriseChannel:
    """Any service that Apprise can talk to."""

    url: str

    def send(self, alert: Alert) -> None:
        """Notify the service."""
        import apprise  # noqa: PLC0415 - it loads a hundred services, which only the alert worker needs

        kinds = {
            Severity.INFO: apprise.NotifyType.INFO,
            Severity.WARNING: apprise.NotifyType.WARNING,
            Severity.CRITICAL: apprise.NotifyType.FAILURE,
        }
        service = apprise.Apprise()
        if not service.add(self.url):
            raise AlertFailed("Apprise does not know the service of an alerts.urls entry")
        if not service.notify(body=alert.text, title="Tag Enforcer", notify_type=kinds[alert.severity]):
            raise AlertFailed(f"{service[0].service_name} did not take the alert")


def channels(settings: AlertSettings) -> dict[str, Channel]:
    """The configured channels, by a name that stays the same while others come and go, and tells no secret."""
    found: dict[str, Channel] = {}
    if settings.webhook_url and settings.webhook_secret:
        found["webhook"] = Webhook(settings.webhook_url, settings.webhook_secret.get_secret_value())
    for url in settings.urls:
        text = url.get_secret_value()
        found["apprise-" + hashlib.sha256(text.encode()).hexdigest()[:12]] = AppriseChannel(text)
    return found


class Alerts:
    """Announces: a log line at once, and an item on the agenda for each channel."""

    def __init__(self, redis: Redis, settings: AlertSettings) -> None:
        self.agenda = Agenda(redis, Task.ALERT)
        self.channels = channels(settings)
        self._queues = Queues(redis)

    def announce(self, alerts: Iterable[Alert]) -> None:
        """Say something to everybody who is configured to hear it."""
        given = list(alerts)
        for alert in given:
            level = logging.ERROR if alert.severity is Severity.CRITICAL else logging.WARNING
            logger.log(level, "%s", alert.text)
        if given and self.channels:
            self.agenda.add((f"{channel} {alert.id}", alert.to_json()) for alert in given for channel in self.channels)
            self._queues.wake(self.agenda.task)

    def announce_violations(self, violations: Iterable[Violation]) -> None:
        """Say what there is to say of violations now."""
        self.announce(Alert.of(violation) for violation in violations)
