"""Announce: a log line at once, and a delivery for each channel."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from enforcer.alerts.channels import (
    channels,
    logger,
)
from enforcer.alerts.message import Alert, Severity
from enforcer.judgement.violation import Violation
from enforcer.settings.settings import AlertSettings
from enforcer.store.wakeups import Queues
from enforcer.store.workqueue import WorkQueue

_LEVELS = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}


class Alerts:
    """Announces: a log line at once, and work for each channel."""

    def __init__(self, queue: WorkQueue, wakeups: Queues, settings: AlertSettings) -> None:
        self.queue = queue
        self.channels = channels(settings)
        self._wakeups = wakeups

    def announce(self, alerts: Iterable[Alert]) -> None:
        """Say something to everybody who is configured to hear it."""
        given = list(alerts)
        for alert in given:
            logger.log(_LEVELS[alert.severity], "%s", alert.text)
        if given and self.channels:
            self.queue.add((f"{channel} {alert.id}", alert.to_json()) for alert in given for channel in self.channels)
            self._wakeups.wake(self.queue.task)

    def announce_violations(self, violations: Iterable[Violation]) -> None:
        """Say what there is to say of violations now."""
        self.announce(Alert.of(violation) for violation in violations)
