from __future__ import annotations

import pytest
import requests

from enforcer.alerts.channels import Webhook as Sender
from enforcer.alerts.message import Alert, Severity
from enforcer.demo.webhook import Webhook


@pytest.fixture
def webhook():
    with Webhook("secret") as webhook:
        yield webhook


def send(webhook, secret: str, text: str = "something happened"):
    alert = Alert(id="1", kind="violation", severity=Severity.WARNING, text=text, details={})
    Sender(webhook.url, secret).send(alert)


def test_alert_with_the_right_signature(webhook):
    """What the real sender sends is authentic, and is taken once."""
    send(webhook, "secret")
    received = webhook.take()
    assert received is not None
    assert received.authentic
    assert received.fields["text"] == "something happened"
    assert webhook.take() is None


def test_alert_with_another_secret(webhook):
    """What was signed with another secret is kept and known as such."""
    send(webhook, "guess")
    received = webhook.take()
    assert received is not None
    assert not received.authentic


def test_alert_without_a_signature(webhook):
    """So is what was not signed."""
    requests.post(webhook.url, data=b"{}", timeout=5)
    received = webhook.take()
    assert received is not None
    assert not received.authentic


def test_order(webhook):
    """Alerts are taken in the order in which they came."""
    send(webhook, "secret", "one")
    send(webhook, "secret", "two")
    assert [received.fields["text"] for received in (webhook.take(), webhook.take()) if received] == ["one", "two"]
