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
from dataclasses import dataclass
from typing import Protocol

import requests

from enforcer.alerts.claims import escaped, inert
from enforcer.alerts.message import Alert, Severity
from enforcer.errors import EnforcerError
from enforcer.settings.settings import AlertSettings
from enforcer.times import Time

logger = logging.getLogger(__name__)
# Apprise logs URLs and tokens that it cannot use. Only what it says of a delivery is free of them.
_DELIVERIES = ("Failed to send", "A Connection error occurred")
logging.getLogger("apprise").addFilter(lambda record: record.getMessage().startswith(_DELIVERIES))

SIGNATURE = "X-Tag-Enforcer-Signature"
DELIVERY = "X-Tag-Enforcer-Delivery"
RENDERS_MARKDOWN = ("Discord", "Mattermost")
"""Services that look for Markdown in what Apprise sends them as plain text."""

TIMEOUT = 10
"""Seconds for one delivery."""


class AlertFailed(EnforcerError):
    """A channel did not take an alert; it is tried again."""


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
        """Notify the service: with plain text, which Apprise escapes as the service's own markup needs."""
        import apprise  # noqa: PLC0415 - it loads a hundred services, which only the alert worker needs

        kinds = {
            Severity.INFO: apprise.NotifyType.INFO,
            Severity.WARNING: apprise.NotifyType.WARNING,
            Severity.CRITICAL: apprise.NotifyType.FAILURE,
        }
        service = apprise.Apprise()
        if not service.add(self.url):
            raise AlertFailed("Apprise does not know the service of an alerts.urls entry")
        text = inert(alert.text)
        is_plain = service[0].resolve_format(apprise.NotifyFormat.TEXT) is apprise.NotifyFormat.TEXT
        taken = service.notify(
            body=escaped(text) if is_plain and service[0].service_name in RENDERS_MARKDOWN else text,
            title="Tag Enforcer",
            notify_type=kinds[alert.severity],
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
        )
        if not taken:
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
