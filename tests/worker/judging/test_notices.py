"""People hear of decisions that are no violations, once."""

from __future__ import annotations

from tests.fakes.events import digest, push
from worker.judging.drain import drain

IMAGE = "application/vnd.oci.image.manifest.v1+json"


def told(context):
    """The notices among the alerts that were told."""
    alerts = [claim.checkpoint for claim in context.alerts.queue.claim(10)]
    return [alert for alert in alerts if '"kind": "notice"' in alert]


def test_a_correction_is_told_once(context, redis_clock):
    """Though its event comes again, and its effects are applied again."""
    original = push("old", digest(2), redis_clock.read(), media_type=IMAGE, source="a-process")
    redis_clock.advance(2)
    context.log.append([push("new", digest(1), media_type=IMAGE)])
    drain(context)
    context.log.append([original])
    drain(context)
    (alert,) = told(context)
    assert '"severity": "critical"' in alert
    context.log.append([original])
    drain(context)
    assert told(context) == []
