from __future__ import annotations

import hashlib
import hmac
import json
import logging
from dataclasses import replace

import pytest
from pydantic import SecretStr

from enforcer.alerts.channels import DELIVERY, SIGNATURE, AlertFailed, AppriseChannel, Webhook, channels
from enforcer.alerts.message import Alert, Severity, describe
from enforcer.alerts.outbox import Alerts
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.settings.settings import AlertSettings
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time
from tests.fakes.events import digest
from tests.fakes.receiver import FakeReceiver
from tests.fakes.stores import stores
from tests.fakes.violations import violation

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # Apprise's own affair

SECRET = "geheim-8f3a"
WHO = "a client that claims to be mallory from 192.0.2.7:4711"
WHEN = f"team/app:1.0 in main was overwritten with sha256:000000000000 by {WHO}"
DAY = "at 2026-11-22T04:06:41Z"
ORIGINAL = digest(1).short


@pytest.fixture
def receiver():
    with FakeReceiver() as receiver:
        yield receiver


def alert_settings(**changes) -> AlertSettings:
    return AlertSettings(**changes)


OUTCOMES = {
    "open": (violation(), Severity.WARNING, f"{ORIGINAL} is being put back"),
    "restored, still being looked at": (
        replace(violation(), exposure=340, restores=1),
        Severity.WARNING,
        f"{ORIGINAL} is back after 340 ms",
    ),
    "restored": (
        replace(violation(), restores=1).closed_as(State.RESTORED, Time.now(), exposure=340),
        Severity.WARNING,
        f"{ORIGINAL} is back after 340 ms",
    ),
    "restored often": (
        replace(violation(), restores=8).closed_as(State.RESTORED, Time.now(), exposure=90_000),
        Severity.WARNING,
        f"{ORIGINAL} is back after 90000 ms (restored 8 times so far)",
    ),
    "observed": (
        violation(state=State.OBSERVED),
        Severity.WARNING,
        f"nothing was changed, the policy only observes; it should be {ORIGINAL}",
    ),
    "not restorable": (
        replace(violation().closed_as(State.NOT_RESTORABLE, Time.now()), problem="the registry has lost sha256:12"),
        Severity.CRITICAL,
        f"{ORIGINAL} cannot be put back: the registry has lost sha256:12",
    ),
    "failing": (
        replace(violation(), problem="no answer from registry"),
        Severity.CRITICAL,
        f"{ORIGINAL} is not back yet: no answer from registry",
    ),
    "withdrawn": (
        violation().closed_as(State.WITHDRAWN, Time.now()),
        Severity.WARNING,
        "withdrawn: that digest turned out to be the original",
    ),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_text_for_each_outcome(case):
    """The text says which tag, what happened, who did it from where and when, and what became of it."""
    given, severity, consequence = OUTCOMES[case]
    alert = Alert.of(given)
    assert alert.text.partition(". If the other one")[0] == f"{WHEN} {DAY}; {consequence}"
    assert alert.severity is severity
    assert describe(given) == alert.text


def test_text_for_a_deletion():
    """A deleted tag is not called overwritten."""
    alert = Alert.of(violation(kind=Decision.DELETED, pushed=None))
    assert alert.text.startswith("team/app:1.0 in main was deleted by a client that claims to be mallory from ")


def test_text_for_nobody_in_particular():
    """A registry without accounts names no user; an address is claimed all the same."""
    text = Alert.of(violation(actor="", address="")).text
    assert "was overwritten with sha256:000000000000 by an unknown user at 2026" in text
    text = Alert.of(violation(actor="")).text
    assert "by an unknown user (claims to come from 192.0.2.7:4711) at 2026" in text


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ("open", "open"),
        ("restored, still being looked at", "restored"),
        ("restored", "restored"),
        ("observed", "observed"),
        ("not restorable", "not restorable"),
        ("failing", "failing"),
        ("withdrawn", "withdrawn"),
    ],
)
def test_json_for_each_outcome(case, outcome):
    """The JSON has every fact of the violation in a field of its own, and the outcome in one word."""
    given = OUTCOMES[case][0]
    body = json.loads(Webhook.body(Alert.of(given), Time("2026-11-22T04:07:00Z")))
    assert body == {
        "id": f"{given.id}-00000000-{outcome.replace(' ', '-')}-{given.restores}",
        "type": "violation",
        "severity": OUTCOMES[case][1].value,
        "text": describe(given),
        "sent_at": "2026-11-22T04:07:00.000000000Z",
        "violation": given.id,
        "outcome": outcome,
        "registry": "main",
        "repository": "team/app",
        "tag": "1.0",
        "kind": "overwritten",
        "recorded_digest": digest(1),
        "pushed_digest": digest(2),
        "actor": "mallory",
        "address": "192.0.2.7:4711",
        "user_agent": "docker/28",
        "time": "2026-11-22T04:06:41.500000000Z",
        "original_time": None,
        "original_actor": "",
        "original_address": "",
        "event": "event-1",
        "exposure_ms": given.exposure,
        "restores": given.restores,
        "policies": [1],
        "problem": given.problem,
    }


def test_ids_tell_what_is_new():
    """The same news has the same id, so that a receiver can drop it; each new outcome and each new restore another."""
    news = [
        violation(),
        violation(2),
        replace(violation(), problem="away"),
        replace(violation(), exposure=3, restores=1),
        replace(violation(), exposure=9, restores=2),
        replace(violation(), restores=2, problem="away"),
        violation().closed_as(State.WITHDRAWN, Time.now()),
        violation(recorded=digest(9 << 240)),
    ]
    assert len({Alert.of(each).id for each in news}) == len(news)
    held = replace(violation(), exposure=3, restores=1)
    assert Alert.of(held).id == Alert.of(held.closed_as(State.RESTORED, Time.now(), exposure=3)).id


@pytest.mark.parametrize("case", OUTCOMES)
def test_alert_waits_as_one_line(case):
    """An alert comes back from the queue as it went there."""
    alert = Alert.of(OUTCOMES[case][0])
    assert "\n" not in alert.to_json()
    assert Alert.from_json(alert.to_json()).to_json() == alert.to_json()
    assert Alert.from_json(alert.to_json()).severity is alert.severity


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_webhook_takes_any_2xx(receiver, status):
    """What is sent is signed JSON with the alert's id in a header, and any 2xx takes it."""
    receiver.status = status
    alert = Alert.of(violation())
    Webhook(f"{receiver.url}/hook?a=b", SECRET).send(alert)
    (sent,) = receiver.received
    assert (sent.method, sent.path) == ("POST", "/hook?a=b")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers[DELIVERY.lower()] == alert.id
    fields = json.loads(sent.body)
    assert (fields["id"], fields["text"]) == (alert.id, alert.text)
    assert abs(Time.now().since(Time(fields["sent_at"]))) < 60


def test_signature_is_an_hmac_of_the_body(receiver):
    """A receiver verifies the signature with nothing but the secret and the bytes that it got."""
    Webhook(receiver.url, SECRET).send(Alert.of(violation(actor="Jürgen")))
    (sent,) = receiver.received
    expected = hmac.new(SECRET.encode(), sent.body, hashlib.sha256).hexdigest()
    assert sent.headers[SIGNATURE.lower()] == f"sha256={expected}"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 429, 500, 503])
def test_webhook_that_does_not_take_it(receiver, status):
    """Anything but a 2xx is no delivery, a redirect is not followed, and the error tells no secret."""
    receiver.status = status
    receiver.location = f"{receiver.url}/elsewhere"
    with pytest.raises(AlertFailed, match=f"answered {status}") as raised:
        Webhook(f"{receiver.url}/{SECRET}?key={SECRET}", SECRET).send(Alert.of(violation()))
    assert len(receiver.received) == 1
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://nowhere.invalid", "http://[::1", "http://127.0.0.1:99999", "nonsense"]
)
def test_webhook_that_cannot_be_reached(url):
    """Whatever is wrong with the way there is a failed delivery, whose error tells no secret."""
    with pytest.raises(AlertFailed, match="cannot be reached") as raised:
        Webhook(f"{url}/{SECRET}", SECRET).send(Alert.of(violation()))
    assert SECRET not in str(raised.value)


def test_webhook_that_hangs(monkeypatch, receiver):
    """A receiver that does not answer in time is tried again later."""
    monkeypatch.setattr("enforcer.alerts.channels.TIMEOUT", 0.05)
    receiver.latency = 0.3
    with pytest.raises(AlertFailed, match="cannot be reached"):
        Webhook(receiver.url, SECRET).send(Alert.of(violation()))


@pytest.mark.parametrize(
    ("severity", "kind"), [(Severity.INFO, "info"), (Severity.WARNING, "warning"), (Severity.CRITICAL, "failure")]
)
def test_apprise_sends_the_text(receiver, severity, kind):
    """A service of Apprise gets the text, and how bad it is in Apprise's own words."""
    alert = replace(Alert.of(violation()), severity=severity)
    AppriseChannel(f"json://127.0.0.1:{receiver.port}/").send(alert)
    (sent,) = receiver.received
    fields = json.loads(sent.body)
    assert (fields["message"], fields["title"], fields["type"]) == (alert.text, "Tag Enforcer", kind)


@pytest.mark.parametrize("status", [404, 500])
def test_apprise_service_that_does_not_take_it(receiver, caplog, status):
    """A service that refuses the alert is named without its address, in the error and in the log."""
    receiver.status = status
    with pytest.raises(AlertFailed, match="JSON did not take the alert"):
        AppriseChannel(f"json://user:{SECRET}@127.0.0.1:{receiver.port}/{SECRET}").send(Alert.of(violation()))
    assert f"error={status}" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("url", [f"nosuch://user:{SECRET}@host", f"slack://{SECRET}", f"json://:{SECRET}"])
def test_apprise_url_that_is_none(caplog, url):
    """A URL that Apprise does not take stays out of the error and of the log."""
    with pytest.raises(AlertFailed, match="does not know the service"):
        AppriseChannel(url).send(Alert.of(violation()))
    assert SECRET not in caplog.text


def test_channels_have_names_that_stay():
    """A channel's name depends on nothing but its own URL, and tells nothing of it."""
    slack, mail = (SecretStr(text) for text in (f"slack://{SECRET}", f"mailto://{SECRET}"))
    both = channels(alert_settings(urls=(slack, mail)))
    one = channels(
        alert_settings(urls=(mail,), webhook_url="https://hooks.example/x", webhook_secret=SecretStr(SECRET))
    )
    assert len(both) == 2
    assert set(one) == {"webhook", *(name for name in both if both[name] == AppriseChannel(mail.get_secret_value()))}
    assert not any(SECRET in name or " " in name for name in {*both, *one})
    assert one["webhook"] == Webhook("https://hooks.example/x", SECRET)


def test_no_channels():
    """Nothing configured, nothing sent."""
    assert channels(alert_settings()) == {}


def make_alerts(redis, given):
    opened = stores(redis)
    return Alerts(opened.alerts, opened.wakeups, given)


@pytest.fixture
def alerts(redis):
    urls = (SecretStr("json://127.0.0.1:1"),)
    return make_alerts(
        redis,
        alert_settings(urls=urls, webhook_url="https://hooks.example/x", webhook_secret=SecretStr(SECRET)),
    )


def test_announcing_puts_each_alert_on_the_queue_of_each_channel(redis, alerts):
    """Two alerts for two channels are four deliveries, and one job."""
    alerts.announce_violations([violation(1), violation(2)])
    claims = alerts.queue.claim(10)
    wanted = {f"{channel} {Alert.of(violation(number)).id}" for channel in alerts.channels for number in (1, 2)}
    assert {claim.key for claim in claims} == wanted
    assert {claim.checkpoint for claim in claims} == {Alert.of(violation(number)).to_json() for number in (1, 2)}
    assert Queues(redis).of(Task.ALERT).count == 1


def test_announcing_the_same_twice_is_one_delivery(alerts):
    """What waits for its delivery already does not wait twice."""
    alerts.announce_violations([violation(1)])
    alerts.announce_violations([violation(1)])
    assert len(alerts.queue.claim(10)) == 2


def test_announcing_without_channels(redis, caplog):
    """Without a channel, the log line is all that there is."""
    make_alerts(redis, alert_settings()).announce_violations([violation(1)])
    assert len(WorkQueue(redis, Task.ALERT)) == Queues(redis).of(Task.ALERT).count == 0
    assert describe(violation(1)) in caplog.text


def test_announcing_nothing(redis, alerts):
    """No alerts, no job."""
    alerts.announce([])
    assert Queues(redis).of(Task.ALERT).count == 0


def test_critical_alerts_are_errors_in_the_log(redis, caplog):
    """The weight of the log line is that of the alert."""
    alerts = make_alerts(redis, alert_settings())
    alerts.announce_violations([violation(1), replace(violation(2), problem="away")])
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]
