from __future__ import annotations

import json
import logging

import pytest
from pydantic import SecretStr

from enforcer.alerts.channels import Webhook
from enforcer.alerts.health import Health
from enforcer.alerts.message import Alert, Severity
from enforcer.alerts.outbox import Alerts
from enforcer.settings.settings import AlertSettings
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time

NOW = Time("2026-11-22T04:06:41Z")


@pytest.fixture
def alerts(redis):
    settings = AlertSettings(webhook_url="https://hooks.example/x", webhook_secret=SecretStr("geheim-8f3a"))
    return Alerts(WorkQueue(redis, Task.ALERT), Queues(redis), settings)


@pytest.fixture
def health(redis, alerts):
    return Health(redis, alerts, lambda: NOW)


def told(alerts):
    return [Alert.from_json(claim.checkpoint) for claim in alerts.queue.claim(10)]


def test_trouble_is_told_as_health(health, alerts):
    """A webhook gets it with its own type, its key, and what else is known."""
    assert health.tell("clock:main", Severity.WARNING, "main's clock is 90 s ahead", 3600, {"registry": "main"})
    (alert,) = told(alerts)
    assert json.loads(Webhook.body(alert, NOW)) == {
        "id": f"health-clock:main-{NOW}",
        "type": "health",
        "severity": "warning",
        "text": "main's clock is 90 s ahead",
        "sent_at": NOW,
        "key": "clock:main",
        "state": "present",
        "registry": "main",
    }


def test_trouble_is_told_once_a_period(health, alerts, redis):
    """Whoever sees the same again is silent for as long as they say; another key is another trouble."""
    assert health.tell("kept:main", Severity.CRITICAL, "full", 3600)
    assert not Health(redis, alerts).tell("kept:main", Severity.CRITICAL, "full", 3600)
    assert health.tell("kept:other", Severity.CRITICAL, "full", 3600)
    assert 3590 < redis.ttl("te:health:quiet:kept:main") <= 3600
    redis.delete("te:health:quiet:kept:main")
    assert health.tell("kept:main", Severity.CRITICAL, "full", 3600)


def test_end_of_a_trouble_is_told_once(health, alerts, redis):
    """It is told as info with the time since when, and only where the trouble was told; then it may begin anew."""
    assert not health.over("kept:main", "room again")
    health.tell("kept:main", Severity.CRITICAL, "full", 3600)
    redis.delete("te:health:quiet:kept:main")
    Health(redis, alerts, lambda: NOW.plus(60)).tell("kept:main", Severity.CRITICAL, "full", 3600)
    assert Health(redis, alerts, lambda: NOW.plus(90)).over("kept:main", "room again")
    assert not health.over("kept:main", "room again")
    end = next(alert for alert in told(alerts) if alert.text == "room again")
    assert (end.severity, end.details) == (Severity.INFO, {"key": "kept:main", "state": "over", "since": NOW})
    assert health.tell("kept:main", Severity.CRITICAL, "full", 3600)


def test_text_is_bounded(health, alerts):
    """A registry's words in it cannot make it endless."""
    health.tell("kept:main", Severity.CRITICAL, "x" * 10_000, 3600)
    assert len(told(alerts)[0].text) == 1000


def test_weight_in_the_log(health, caplog):
    """The end of a trouble is no warning."""
    caplog.set_level(logging.INFO)
    health.tell("kept:main", Severity.CRITICAL, "full", 3600)
    health.over("kept:main", "room again")
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.INFO]
