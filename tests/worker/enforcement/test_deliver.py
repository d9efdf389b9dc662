from __future__ import annotations

import json

import pytest

from enforcer.alerts.message import Alert
from tests.fakes.receiver import FakeReceiver
from tests.fakes.violations import violation
from worker.enforcement.deliver import deliver


@pytest.fixture
def receiver():
    with FakeReceiver() as receiver:
        yield receiver


@pytest.fixture
def context(make_context, receiver, clock):
    return make_context(alerts={"webhook_url": f"{receiver.url}/hook", "webhook_secret": "geheim"})


def work_off(context) -> int:
    claims = context.alerts.queue.claim(10)
    for claim in claims:
        deliver(context, claim)
    return len(claims)


def test_an_alert_is_delivered_once(context, receiver):
    """What a channel took is done."""
    context.alerts.announce_violations([violation()])
    assert work_off(context) == 1
    (sent,) = receiver.received
    assert json.loads(sent.body)["id"] == Alert.of(violation()).id
    assert (work_off(context), len(context.alerts.queue)) == (0, 0)


def test_until_it_is_taken(context, receiver, clock, caplog):
    """A channel that does not take an alert gets it again, the same, ever more rarely and without end."""
    receiver.status = 503
    context.alerts.announce_violations([violation()])
    seconds = []
    for _ in range(12):
        waited = 0
        while not work_off(context):
            clock.advance(1)
            waited += 1
        seconds.append(waited)
    assert seconds[0] == 0
    assert 200 <= seconds[-1] <= 400
    assert "try 12" in caplog.text
    receiver.status = 200
    clock.advance(400)
    assert work_off(context) == 1
    assert len(context.alerts.queue) == 0
    assert len({json.loads(sent.body)["id"] for sent in receiver.received}) == 1


def test_a_channel_that_is_away_holds_up_no_other(make_context, receiver, clock):
    """Each channel has its own turn."""
    table = {"urls": ["json://127.0.0.1:1"], "webhook_url": receiver.url, "webhook_secret": "geheim"}
    context = make_context(alerts=table)
    context.alerts.channels = dict(context.alerts.channels)
    failing = next(name for name in context.alerts.channels if name != "webhook")
    context.alerts.channels[failing] = context.alerts.channels["webhook"].__class__("http://127.0.0.1:1", "geheim")
    context.alerts.announce_violations([violation()])
    assert work_off(context) == 2
    assert len(receiver.received) == 1
    assert len(context.alerts.queue) == 1


def test_a_channel_that_is_not_configured_any_more(context, make_context, receiver, caplog):
    """What waits for a channel that was taken out of the settings is dropped, and that is said aloud."""
    context.alerts.announce_violations([violation()])
    assert work_off(make_context(alerts={})) == 1
    assert len(context.alerts.queue) == 0
    assert "is dropped" in caplog.text
    assert receiver.received == []
