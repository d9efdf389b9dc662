from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from redis.exceptions import OutOfMemoryError

from enforcer.alerts.message import Alert
from enforcer.store.log import LOG, Log
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from enforcer.web.app import create_app
from enforcer.web.services import services
from tests.fakes.events import digest
from tests.fakes.settings import TOKEN, policy_table, registry_table, settings

PATH = "/notifications/main"
ENVELOPES = Path(__file__).parents[2] / "data" / "distribution_events"


def client_of(redis, **changes):
    return create_app(settings(**changes), redis).test_client()


@pytest.fixture
def client(redis):
    return client_of(redis)


def post(client, body: bytes | str | None, token: str | None = TOKEN, path: str = PATH, **arguments: Any):
    """Send a notification, and let the server do what it does after its answer."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with client.post(path, data=body, headers=headers, **arguments) as answer:
        return answer


def event(number: int = 1, **changes: Any) -> dict[str, Any]:
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest(number),
        "repository": "team/app",
        "tag": "1.0",
    }
    fields = {"id": f"event-{number}", "timestamp": "2026-11-22T04:06:40Z", "action": "push", "target": target}
    return fields | changes


def envelope(*events: Any) -> str:
    return json.dumps({"events": events})


def waiting(redis) -> list[str]:
    return [arrival.event.id for batch in Log(redis).batches("test") for arrival in batch]


def letters(redis):
    return list(Log(redis).dead_letters())


def drains(redis) -> int:
    return Queues(redis).of(Task.DRAIN).count


def test_an_event_is_in_the_log_when_it_is_accepted(redis, client):
    """202 and no body: the event is in Redis, and one drain is on its way."""
    answer = post(client, envelope(event()))
    assert (answer.status_code, answer.data) == (202, b"")
    assert drains(redis) == 1
    assert waiting(redis) == ["event-1"]


@pytest.mark.parametrize(
    "file", sorted(ENVELOPES.glob("**/*.json")), ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_real_notifications_are_understood(redis, client, file):
    """Nothing that a real registry sends becomes a dead letter."""
    for request in json.loads(file.read_text())["requests"]:
        assert post(client, json.dumps(request["envelope"])).status_code == 202
    assert letters(redis) == []


def test_many_events_wake_one_drain(redis, client):
    """Events in one notification and in many share one job until it has begun."""
    post(client, envelope(event(1), event(2)))
    for number in range(3, 20):
        post(client, envelope(event(number)))
    assert drains(redis) == 1
    Queues(redis).clear_wakeup(Task.DRAIN)
    post(client, envelope(event(20)))
    assert drains(redis) == 2
    assert len(waiting(redis)) == 20


def test_the_answer_does_not_wait_for_the_wake_up(redis, client):
    """The registry, which sends one event at a time, has its answer before the job is enqueued."""
    answer = client.post(PATH, data=envelope(event()), headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, drains(redis)) == (202, 0)
    answer.close()
    assert drains(redis) == 1


@pytest.mark.parametrize(("settle", "events"), [(0, 0), (60, 1)])
def test_pushes_by_digest(redis, settle, events):
    """They enter the log only where a policy lets tags settle: who pushed what may then decide something."""
    app = create_app(settings(policies=[policy_table(settle=settle)]), redis)
    here = app.extensions["enforcer"]
    here.stores.policies.apply_settings(here.settings.policies)
    captured = json.loads((ENVELOPES / "v3" / "05_push_manifest_by_digest.json").read_bytes())
    assert post(app.test_client(), json.dumps(captured["requests"][0]["envelope"])).status_code == 202
    assert redis.xlen(LOG) == events


def test_what_concerns_no_tag_wakes_nobody(redis, client):
    """A pull is accepted and forgotten."""
    assert post(client, envelope(event(action="pull"))).status_code == 202
    assert (drains(redis), waiting(redis), letters(redis)) == (0, [], [])


@pytest.mark.parametrize("token", [TOKEN, f"{TOKEN}-old", f" {TOKEN} "])
def test_the_right_token(redis, token):
    """The token counts, and while a registry is given a new one, the previous as well."""
    client = client_of(redis, registries={"main": registry_table(notification_token_previous=f"{TOKEN}-old")})
    assert post(client, envelope(event()), token).status_code == 202
    assert waiting(redis) == ["event-1"]


@pytest.mark.parametrize(
    "token", ["", "wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), None, "None", "\xff", "notify-\u2713"]
)
def test_the_wrong_token(redis, client, token):
    """A wrong or missing token and an unknown registry are the same 401, and nothing is kept of what was sent."""
    header = None if token is None else token.encode().decode("latin-1")
    answers = [
        post(client, envelope(event()), header, path)
        for path in (PATH, "/notifications/unknown", "/notifications/MAIN", "/notifications/no name")
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert "notification token" in answers[0].json["error"]
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert len({answer.data for answer in answers}) == 1
    assert redis.dbsize() == 0


def test_a_token_of_another_registry(redis):
    """A token lets its own registry in and no other."""
    tables = {"main": registry_table(), "other": registry_table(notification_token="notify-other")}
    client = client_of(redis, registries=tables)
    assert post(client, envelope(event()), "notify-other").status_code == 401
    assert post(client, envelope(event()), "notify-other", "/notifications/other").status_code == 202


def test_a_registry_without_previous_token_takes_no_empty_one(redis, client):
    """What is not configured is no token, neither empty nor missing."""
    for header in ("Bearer ", "Bearer", "", "Basic Og=="):
        answer = client.post(PATH, data=envelope(event()), headers={"Authorization": header})
        assert answer.status_code == 401


def test_a_token_beyond_ascii(redis):
    """A token is compared byte by byte as it was sent, in UTF-8."""
    token = "schlüssel-✓"
    client = client_of(redis, registries={"main": registry_table(notification_token=token)})
    assert post(client, envelope(event()), token.encode().decode("latin-1")).status_code == 202


BAD = {
    "nothing": b"",
    "no JSON": b"no JSON",
    "no UTF-8": b'{"events": ["\xff"]}',
    "no object": b"[]",
    "null": b"null",
    "a number too long for Python": b"1" * 5000,
    "no events": b"{}",
    "events that are no list": b'{"events": {}}',
    "an event that is no object": b'{"events": [1]}',
    "too deep to be read": b'{"events": ' + b"[" * 100_000,
    "a push without a digest": envelope(event(target={"repository": "team/app", "tag": "1.0"})).encode(),
    "no digest": envelope(event(target={"repository": "team/app", "tag": "1.0", "digest": "sha256:x"})).encode(),
    "no time": envelope(event(timestamp="yesterday")).encode(),
    "a time that no clock has": envelope(event(timestamp="2026-13-32T25:61:61Z")).encode(),
    "no repository": envelope(event(target={"repository": "UPPER", "tag": "1.0", "digest": digest(1)})).encode(),
    "half a character": envelope(event(timestamp="\ud800")).encode(),
    "a NUL": envelope(event(target={"repository": "team/\0", "tag": "1.0", "digest": digest(1)})).encode(),
    "a control character": envelope(event(target={"repository": "a", "tag": "\x1b[2J", "digest": digest(1)})).encode(),
    "NaN": b'{"events": [{"action": "push", "target": {"tag": "1.0"}, "x": NaN, "y": Infinity}]}',
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_understood_is_a_dead_letter(redis, client, case):
    """Whatever is sent with the right token gets 202, is kept as it was, and has the registry looked at."""
    answer = post(client, BAD[case])
    assert (answer.status_code, answer.data) == (202, b"")
    (letter,) = letters(redis)
    assert letter.registry == "main"
    assert letter.reason
    assert letter.reason.isprintable()
    assert (waiting(redis), drains(redis)) == ([], 0)
    assert [claim.key for claim in WorkQueue(redis, Task.SWEEP).claim(10)] == ["main"]


@pytest.mark.parametrize("where", ["extra", "id"])
def test_json_at_the_edge_of_what_can_be_read(redis, client, where):
    """JSON that is just not too deep to be read may be too deep to be written again: that is no error either."""
    for depth in range(900, 1000, 5):
        nested = "[" * depth + "]" * depth
        body = f'{{"events": [{{"action": "push", "target": {{"tag": "1.0"}}, "{where}": {nested}}}]}}'
        assert post(client, body).status_code == 202
    assert len(letters(redis)) == 20


def test_a_reader_that_fails_loses_nothing(redis):
    """Even a bug in reading is a dead letter: the registry would send it again for ever, and nothing after it."""
    configured = settings()
    configured.registries["main"] = configured.registries["main"].model_copy(update={"kind": "of a later release"})
    client = create_app(configured, redis).test_client()
    assert post(client, envelope(event())).status_code == 202
    (letter,) = letters(redis)
    assert (letter.reason, letter.body) == ("it cannot be read: KeyError", envelope(event()).encode())


def test_good_events_beside_bad_ones_count(redis, client):
    """One event that is not understood does not take the others of its notification with it."""
    assert post(client, envelope(event(1), {"action": 1}, event(2))).status_code == 202
    assert drains(redis) == 1
    assert waiting(redis) == ["event-1", "event-2"]
    (letter,) = letters(redis)
    assert letter.reason.startswith("events[1]: ")
    assert json.loads(letter.body) == {"action": 1}


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "\x1b]0;title\x07", "\u202e", "x" * 100_000])
def test_texts_of_strangers_are_harmless(redis, client, text):
    """Who and with what are texts that anybody can choose: what could disturb a terminal or Redis is left out."""
    given = event(actor={"name": text}, request={"addr": text, "useragent": text}, id=text)
    assert post(client, envelope(given)).status_code == 202
    ((arrival,),) = Log(redis).batches("test")
    for kept in (arrival.event.actor, arrival.event.address, arrival.event.user_agent, arrival.event.id):
        assert kept.isprintable()
        assert len(kept) <= 256


@pytest.mark.parametrize("size", [1024, 1025, 5000, 9 * 1024, 20_000])
def test_a_notification_over_the_limit(redis, size):
    """Up to the limit a notification is read; what is longer is a dead letter with its beginning."""
    client = client_of(redis, notification_limit=1024)
    body = envelope(event()).ljust(size).encode()
    assert post(client, body).status_code == 202
    if size <= 1024:
        assert waiting(redis) == ["event-1"]
    else:
        (letter,) = letters(redis)
        assert letter.reason == "an event was too long: over notification_limit, 1024 bytes"
        assert letter.body == body[:1025]


class Trickle(io.BytesIO):
    """A sender whose bytes come a few at a time."""

    def readinto(self, buffer: Any) -> int:
        return super().readinto(memoryview(buffer)[:7])


def trickling(body: bytes, length: int) -> dict[str, Any]:
    return {"wsgi.input": Trickle(body), "CONTENT_LENGTH": str(length)}


def test_a_slow_sender(redis, client):
    """A notification that comes in pieces is read to its end."""
    body = envelope(event()).encode()
    assert post(client, None, environ_overrides=trickling(body, len(body))).status_code == 202
    assert waiting(redis) == ["event-1"]


def test_a_sender_that_hangs_up(redis, client):
    """Half a notification is none: the registry will send it again, whole."""
    body = envelope(event()).encode()
    answer = post(client, None, environ_overrides=trickling(body, len(body) + 1))
    assert answer.status_code == 400
    assert answer.is_json
    assert redis.dbsize() == 0


def test_a_chunked_notification(redis, client):
    """A notification whose length nobody knows beforehand is read to its end."""
    body = envelope(event()).encode()
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post(client, None, input_stream=io.BytesIO(body), environ_overrides=chunked).status_code == 202
    assert waiting(redis) == ["event-1"]


class FullRedis(FakeStrictRedis):
    """A Redis that has no room for anything more."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if args[0] in ("EVALSHA", "EVAL", "SET", "XADD"):
            raise OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")
        return super().execute_command(*args, **options)

    def pipeline(self, *_: Any, **__: Any) -> Any:
        raise OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'.")


def away() -> FakeStrictRedis:
    server = FakeServer()
    server.connected = False
    return FakeStrictRedis(server=server)


@pytest.mark.parametrize("redis", [away(), FullRedis(server=FakeServer())], ids=["away", "full"])
@pytest.mark.parametrize("body", [envelope(event()), "no JSON", envelope(event(), 1)], ids=["event", "letter", "both"])
def test_what_cannot_be_kept_is_refused(redis, body):
    """503 while Redis is away or full: the registry keeps its event and sends it again."""
    answer = post(client_of(redis), body)
    assert answer.status_code == 503
    assert answer.json == {"error": "the store is not available; try again"}
    assert answer.headers["Retry-After"] == "1"


def test_no_token_is_needed_to_hear_that_it_is_wrong():
    """A wrong token is refused without asking Redis."""
    assert post(client_of(away()), envelope(event()), "wrong").status_code == 401


def test_a_wake_up_that_fails_is_no_error(redis, client, caplog):
    """The event is safe by then, and the timer of the workers wakes a drain."""
    answer = client.post(PATH, data=envelope(event()), headers={"Authorization": f"Bearer {TOKEN}"})
    with client.application.app_context():
        server = services().stores.redis.connection_pool.connection_kwargs["server"]
    server.connected = False
    answer.close()
    server.connected = True
    assert answer.status_code == 202
    assert "no drain could be woken" in caplog.text
    assert waiting(redis) == ["event-1"]


class NoRoomForLetters(FakeStrictRedis):
    """A Redis that takes events, but no dead letter while it is full."""

    is_full = True

    def pipeline(self, *arguments: Any, **options: Any) -> Any:
        if self.is_full:
            raise OutOfMemoryError("full")
        return super().pipeline(*arguments, **options)


def test_a_failing_step_does_not_swallow_the_wake_up():
    """A notification that is sent again since only a part of it was kept still wakes a drain."""
    redis = NoRoomForLetters(server=FakeServer())
    client = client_of(redis)
    assert post(client, envelope(event(), 1)).status_code == 503
    redis.is_full = False
    assert post(client, envelope(event(), 1)).status_code == 202
    assert drains(redis) == 1


def alerts_of(redis) -> list[Alert]:
    queue = WorkQueue(redis, Task.ALERT)
    claims = queue.claim(10)
    for claim in claims:
        queue.done(claim)
    return [Alert.from_json(claim.checkpoint) for claim in claims]


def test_dead_letters_are_announced_now_and_then(redis):
    """Somebody is told of the first dead letter, and not of each that follows within the hour."""
    client = client_of(redis, alerts={"webhook_url": "https://hooks.example/x", "webhook_secret": "geheim"})
    for _ in range(5):
        post(client, "no JSON")
    (first,) = alerts_of(redis)
    assert first.text.startswith("main sends notifications that are not understood (no JSON: ")
    assert "enforcer dead-letters" in first.text
    redis.delete("te:dead-letters:told:main")
    post(client, "{}")
    (second,) = alerts_of(redis)
    assert first.id != second.id, "a receiver that drops what it knows would never hear of the second"


def test_harbor_has_its_own_format(redis):
    """A registry's kind says how its notifications are read."""
    client = client_of(redis, registries={"main": registry_table(kind="harbor")})
    assert post(client, envelope(event())).status_code == 202
    assert len(letters(redis)) == 1


def test_suspects_are_swept(redis):
    """A namespace in which something happened that no event names is swept, and nothing else."""
    client = client_of(redis, registries={"main": registry_table(kind="harbor")})
    retention = {
        "type": "TAG_RETENTION",
        "occur_at": 1_800_000_000,
        "operator": "MANUAL",
        "event_data": {"retention": {"project_name": "team", "retained": [], "deleted": []}},
    }
    assert post(client, json.dumps(retention)).status_code == 202
    assert letters(redis) == []
    assert [claim.key for claim in WorkQueue(redis, Task.SWEEP).claim(10)] == ["main/team"]
    assert Queues(redis).of(Task.SWEEP).count == 1
