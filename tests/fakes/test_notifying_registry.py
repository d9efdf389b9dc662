"""The fake that notifies: it announces what docker-registry 2.8 was seen to announce, and its faults are faults."""

from __future__ import annotations

import json
import threading
import time
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from enforcer.manifests import ACCEPT, OCI_INDEX, OCI_MANIFEST
from enforcer.names import Digest
from tests.fakes.images import blobs_of, image, index
from tests.fakes.notifying_registry import Fault, NotifyingRegistry
from tests.fakes.registry import Reply

CAPTURED = Path(__file__).parents[1] / "data" / "distribution_events" / "v2"
FIRST, SECOND = image("first"), image("second")


class Endpoint:
    """What notifications are sent to; it refuses the first `refusals`."""

    def __init__(self) -> None:
        self.events: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.refusals = 0
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                endpoint.headers.append(dict(self.headers))
                refused, endpoint.refusals = endpoint.refusals > 0, endpoint.refusals - 1
                if not refused:
                    endpoint.events += json.loads(body)["events"]
                self.send_response(503 if refused else 202)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def endpoint():
    endpoint = Endpoint()
    yield endpoint
    endpoint.server.shutdown()
    endpoint.server.server_close()


@pytest.fixture
def registry(endpoint):
    registry = NotifyingRegistry(f"http://127.0.0.1:{endpoint.server.server_port}/notifications/main", "a-token")
    for seed in ("first", "second"):
        for content in blobs_of(seed):
            upload(registry.url, content)
    yield registry
    registry.stop()


def upload(url, content):
    begun = requests.post(f"{url}/v2/team/app/blobs/uploads/", timeout=5)
    requests.put(begun.headers["Location"], params={"digest": Digest.of(content)}, data=content, timeout=5)


def push(url, reference, content, media_type=OCI_MANIFEST, **headers):
    headers = {"Content-Type": media_type, "User-Agent": "lab-client/1.0", **headers}
    return requests.put(f"{url}/v2/team/app/manifests/{reference}", data=content, headers=headers, timeout=5)


def pull(url, reference, agent="lab-client/1.0"):
    headers = {"Accept": ACCEPT, "User-Agent": agent}
    return requests.get(f"{url}/v2/team/app/manifests/{reference}", headers=headers, timeout=2)


def announced(endpoint, count):
    """The events, once there are that many."""
    deadline = time.monotonic() + 5
    while len(endpoint.events) < count:
        assert time.monotonic() < deadline, endpoint.events
        time.sleep(0.01)
    return endpoint.events


def captured(name, action):
    """The events of that action in a capture."""
    requests_ = json.loads((CAPTURED / f"{name}.json").read_text())["requests"]
    return [e for each in requests_ for e in each["envelope"]["events"] if e["action"] == action]


def shape(value):
    """The keys of a document, at any depth."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(value[0])] if isinstance(value, list) else type(value)


def shapes(events):
    return [shape(event) for event in events]


def test_events_have_the_shape_of_captured_ones(registry, endpoint):
    """A push by tag, one by digest, an index, and the deletion of a manifest with two tags."""
    push(registry.url, "1.0", FIRST)
    push(registry.url, Digest.of(SECOND), SECOND)
    push(registry.url, "multi", index(FIRST, SECOND), OCI_INDEX)
    push(registry.url, "2.0", FIRST)
    assert requests.delete(f"{registry.url}/v2/team/app/manifests/{Digest.of(FIRST)}", timeout=5).status_code == 202
    by_tag, by_digest, whole, _, *deletions = announced(endpoint, 7)
    assert shape(by_tag) == shape(captured("02_push_manifest_oci_by_tag", "push")[0])
    assert shape(by_digest) == shape(captured("05_push_manifest_by_digest", "push")[0])
    assert shape(whole) == shape(captured("16_push_oci_index_by_tag", "push")[-1])
    assert shapes(deletions) == shapes(captured("26_delete_manifest_by_digest_with_two_tags", "delete"))
    assert endpoint.headers[0]["Authorization"] == "Bearer a-token"


def test_actor_is_the_name_of_the_account(registry, endpoint):
    """Who has to log in is the actor of the event; without an account a push is refused and not announced."""
    registry.accounts["alice"] = "her-password"
    assert push(registry.url, "1.0", FIRST).status_code == 401
    answer = requests.put(
        f"{registry.url}/v2/team/app/manifests/1.0",
        data=FIRST,
        auth=("alice", "her-password"),
        headers={"Content-Type": OCI_MANIFEST},
        timeout=5,
    )
    (event,) = announced(endpoint, 1)
    assert (answer.status_code, event["actor"]) == (201, {"name": "alice"})


def test_tag_is_written_after_its_event(registry, endpoint):
    """The event goes out at once, and the tag follows when the store is done."""
    registry.delay = 0.4
    pusher = threading.Thread(target=push, args=(registry.url, "1.0", FIRST))
    pusher.start()
    announced(endpoint, 1)
    assert pull(registry.url, "1.0").status_code == 404
    pusher.join()
    assert pull(registry.url, "1.0").content == FIRST


def test_refused_event_is_sent_again_before_the_next(registry, endpoint):
    """One event is in flight, and keeps its place."""
    endpoint.refusals = 1
    push(registry.url, "1.0", FIRST)
    push(registry.url, "1.0", SECOND)
    first, second = announced(endpoint, 2)
    assert (first["target"]["digest"], second["target"]["digest"]) == (Digest.of(FIRST), Digest.of(SECOND))


def test_missing_blobs_refuse_a_manifest(registry):
    """What names blobs that are not there is refused, with their digests, and not announced."""
    answer = push(registry.url, "1.0", image("unknown"))
    assert answer.status_code == 400
    assert {each["code"] for each in answer.json()["errors"]} == {"MANIFEST_BLOB_UNKNOWN"}
    assert registry.pending() == 0


def test_replicas_share_tags_and_have_their_own_clocks_and_queues(registry, endpoint):
    """What is pushed through one is served by the other; a cut network keeps back the events of one of them."""
    late = registry.replica(skew=-3600)
    late.deliveries.block()
    push(late.url, "1.0", FIRST)
    push(registry.url, "2.0", SECOND)
    (event,) = announced(endpoint, 1)
    assert event["target"]["tag"] == "2.0"
    assert pull(registry.url, "1.0").content == FIRST
    date = parsedate_to_datetime(pull(late.url, "1.0").headers["Date"])
    assert time.time() - date.timestamp() == pytest.approx(3600, abs=3)
    late.deliveries.release()
    _, behind = announced(endpoint, 2)
    assert behind["source"]["instanceID"] != event["source"]["instanceID"]
    assert behind["timestamp"] < event["timestamp"]


@pytest.mark.parametrize(
    ("fault", "seen"),
    [(Fault.HANG, "ReadTimeout"), (Fault.RESET, "ConnectionError"), (Fault.CUT_OFF, "ChunkedEncodingError")],
)
def test_faults_are_for_tag_enforcer_alone(registry, fault, seen):
    """Ordered faults happen to requests of Tag Enforcer; all others are answered."""
    push(registry.url, "1.0", FIRST)
    registry.fault = fault
    with pytest.raises(requests.RequestException) as raised:
        pull(registry.url, "1.0", agent="tag-enforcer/1.0")
    assert type(raised.value).__name__ == seen
    assert pull(registry.url, "1.0").content == FIRST


def test_ordered_answers_and_the_log(registry):
    """Any status can be ordered for some methods, and the log tells who pushed what."""
    registry.fault, registry.faulty = Reply(503, {"Retry-After": "7"}), frozenset({"PUT"})
    answer = push(registry.url, "1.0", FIRST, **{"User-Agent": "tag-enforcer"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    registry.fault = None
    push(registry.url, "1.0", FIRST, **{"User-Agent": "tag-enforcer"})
    push(registry.url, "1.0", SECOND)
    wanted = [(503, Digest.of(FIRST)), (201, Digest.of(FIRST))]
    assert [(each.status, each.digest) for each in registry.puts("team/app", "1.0")] == wanted
