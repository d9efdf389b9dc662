"""Deliver: send one alert through one channel until that channel took it."""

from __future__ import annotations

import logging

from enforcer.alerts.channels import AlertFailed
from enforcer.alerts.message import Alert
from enforcer.store.workqueue import Claim
from worker.backoff import pause
from worker.context import Context

logger = logging.getLogger(__name__)


def deliver(context: Context, claim: Claim) -> None:
    """Try once. The notes are the number of failed tries and the alert."""
    channel_name, _, alert_id = claim.key.partition(" ")
    channel = context.alerts.channels.get(channel_name)
    failed, _, text = claim.checkpoint.rpartition("\n")
    if channel is None:
        logger.warning("alert %s is dropped: the channel %s is not configured any more", alert_id, channel_name)
        context.alerts.queue.done(claim)
        return
    try:
        channel.send(Alert.from_json(text))
    except AlertFailed as error:
        tries = int(failed or 0) + 1
        logger.warning("alert %s is not delivered yet (try %d): %s", alert_id, tries, error)
        context.alerts.queue.again(claim, f"{tries}\n{text}", pause(tries))
    else:
        context.alerts.queue.done(claim)
