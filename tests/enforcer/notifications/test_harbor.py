"""Harbor's payloads as its source builds them, in both formats, and what nobody should send."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.events import Action
from enforcer.names import RegistryName
from enforcer.notifications.harbor import read
from enforcer.times import Time

MAIN = RegistryName("main")
CAPTURED = Path(__file__).parents[2] / "data" / "harbor_events"
FILES = sorted(path.stem for path in CAPTURED.glob("*.json"))
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
BUSYBOX = "library/busybox"

# payload: (action, tag, digest, time, operator) of each event, all of library/busybox; and the suspect namespaces
EXPECTED = {
    "cloudevents_delete_artifact_tagged": ([("delete", None, A, "2026-01-01T00:01:40Z", "admin")], []),
    "cloudevents_push_artifact_by_digest": ([], []),
    "cloudevents_push_artifact_by_tag": ([("push", "v1.0.0", A, "2026-01-01T00:00:00Z", "admin")], []),
    "cloudevents_push_artifact_tag_moved": ([("push", "v1.0.0", B, "2026-01-01T00:01:00Z", "robot$ci")], []),
    "cloudevents_tag_retention": ([], ["library"]),
    "default_delete_artifact_tagged": ([("delete", None, A, "2026-01-01T00:01:40Z", "admin")], []),
    "default_delete_artifact_untagged": ([("delete", None, A, "2026-01-01T00:01:41Z", "harbor-jobservice")], []),
    "default_pull_artifact_by_tag": ([], []),
    "default_push_artifact_by_digest": ([], []),
    "default_push_artifact_by_tag": ([("push", "v1.0.0", A, "2026-01-01T00:00:00Z", "admin")], []),
    "default_push_artifact_tag_moved": ([("push", "v1.0.0", B, "2026-01-01T00:01:00Z", "robot$ci")], []),
    "default_replication_running": ([], []),
    "default_replication_success": ([], ["library"]),
}
PUSH, CLOUD_PUSH = "default_push_artifact_by_tag", "cloudevents_push_artifact_by_tag"


def captured(name):
    return json.loads((CAPTURED / f"{name}.json").read_text())


def reading(payload):
    return read(payload if isinstance(payload, bytes) else json.dumps(payload).encode(), MAIN)


def changed(name, *path, to=...):
    """A captured payload with another value at a place, or without it."""
    payload = node = captured(name)
    for step in path[:-1]:
        node = node[step]
    if to is ...:
        del node[path[-1]]
    else:
        node[path[-1]] = to
    return payload


def reason(payload):
    """Why a payload is rejected; a test fails if it is not, or if anything of it is believed all the same."""
    found = reading(payload)
    assert (found.events, found.suspects) == ((), ())
    (rejected,) = found.rejected
    assert rejected.content == (payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    return rejected.reason


def test_every_payload_is_expected():
    """No captured payload is forgotten below."""
    assert list(EXPECTED) == FILES


@pytest.mark.parametrize("name", FILES)
def test_captured(name):
    """Each payload says what the reference says of it; what concerns no tag says nothing."""
    events, suspects = EXPECTED[name]
    found = reading(captured(name))
    assert [(event.action, event.tag, event.digest, event.time, event.actor) for event in found.events] == [
        (action, tag, digest, Time(time), operator) for action, tag, digest, time, operator in events
    ]
    assert {(event.registry, event.repository) for event in found.events} <= {(MAIN, BUSYBOX)}
    assert (list(found.suspects), found.rejected) == (suspects, ())


def test_an_event_has_nothing_that_harbor_does_not_say():
    """Harbor tells neither media type, children, client nor address: they stay empty."""
    (event,) = reading(captured(CLOUD_PUSH)).events
    assert (event.media_type, event.children, event.address, event.user_agent, event.reason) == ("", (), "", "", "")


def test_the_id_of_a_cloud_event_is_its_own():
    """CloudEvents have an id, the same on a retry and another for each event."""
    ids = [reading(captured(name)).events[0].id for name in FILES if name.startswith("cloud") and EXPECTED[name][0]]
    assert ids[1] == "4b2f89a6-548d-4c12-9993-a1f5790b97d2"
    assert len(set(ids)) == len(ids)


def test_the_id_of_a_default_payload_is_what_it_says():
    """The default format has no id: the same payload again is the same event, any other difference is another one."""
    payloads = [captured(PUSH), dict(reversed(captured(PUSH).items())), changed(PUSH, "occur_at", to=1767225601)]
    payloads += [changed(PUSH, "operator", to="joan")]
    first, again, later, other = (reading(payload).events[0].id for payload in payloads)
    assert first == again
    assert len({first, later, other}) == 3


@pytest.mark.parametrize("first", ["0", "a", "f"])
def test_a_deletion_comes_before_a_push_of_the_same_second(first):
    """A restore takes less than a second: what is pushed in the second of its deletion is there again."""
    pushed, deleted = changed(CLOUD_PUSH, "id", to=f"{first}-1"), captured("cloudevents_delete_artifact_tagged")
    pushed["time"] = deleted["time"]
    (push,), (deletion,) = reading(pushed).events, reading(deleted).events
    assert (push.time, push.digest) == (deletion.time, deletion.digest)
    assert deletion.order < push.order


@pytest.mark.parametrize("tag", [A, "", "sha512:" + "a" * 128, "a:b"])
def test_pushed_without_a_tag(tag):
    """A tag that is a digest means that the artifact has none: that concerns no tag."""
    found = reading(changed(PUSH, "event_data", "resources", 0, "tag", to=tag))
    assert (found.events, found.rejected) == ((), ())


@pytest.mark.parametrize("tag", ["sha256-" + "a" * 64, "sha256-" + "a" * 64 + ".sig"])
def test_tags_of_signatures_are_tags(tag):
    """With a hyphen it is no digest."""
    (event,) = reading(changed(PUSH, "event_data", "resources", 0, "tag", to=tag)).events
    assert event.tag == tag


def test_a_nested_repository():
    """The project is the first component of the whole name, whatever `name` and `namespace` say beside it."""
    payload = changed(PUSH, "event_data", "repository", "repo_full_name", to="svp/team/app/backend")
    (event,) = reading(payload).events
    assert (event.repository.namespace, event.repository.path) == ("svp", "team/app/backend")


def test_several_resources():
    """Should there ever be several, each is an event, and those without a tag are none."""
    payload = captured(CLOUD_PUSH)
    (one,) = payload["data"]["resources"]
    payload["data"]["resources"] = [one, one | {"tag": A}, one | {"tag": "v2", "digest": B}]
    assert [(event.tag, event.digest) for event in reading(payload).events] == [("v1.0.0", A), ("v2", B)]


@pytest.mark.parametrize(
    "kind",
    ["PULL_ARTIFACT", "SCANNING_COMPLETED", "QUOTA_EXCEED", "UPLOAD_CHART", "", "push", "harbor.artifact.pulled"],
)
def test_other_kinds_concern_no_tag(kind):
    """Pulls, scans, quotas and what later releases may send are none of our business, and no fault."""
    found = reading(changed(PUSH, "type", to=kind))
    assert (found.events, found.suspects, found.rejected) == ((), (), ())


@pytest.mark.parametrize("kind", ["APPROVE", "ADOPT", "approve", "harbor.artifact.approved"])
def test_nobody_approves_by_webhook(kind):
    """Only operators approve: whoever has the notification's token cannot."""
    assert reading(changed(PUSH, "type", to=kind)).events == ()
    assert {event.action for name in FILES for event in reading(captured(name)).events} == {Action.PUSH, Action.DELETE}


@pytest.mark.parametrize("status", ["Success", "Error", "Stopped", None, 5])
def test_a_replication_that_ended_is_a_reason_to_look(status):
    """However it ended, some tags may have changed; only of one that runs there will be another event."""
    payload = changed("default_replication_success", "event_data", "replication", "job_status", to=status)
    assert reading(payload).suspects == ("library",)


def test_a_replication_into_a_nested_namespace():
    """What is looked at is the project, which is the first component."""
    path = ("event_data", "replication", "dest_resource", "namespace")
    assert reading(changed("default_replication_success", *path, to="library/copies")).suspects == ("library",)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"null", "expected an object, got NoneType"),
        (b"[]", "expected an object, got list"),
        (changed(PUSH, "type"), "payload.type: missing"),
        (changed(PUSH, "type", to=5), "payload.type: expected str, got int"),
        (changed(PUSH, "occur_at"), "payload.occur_at: missing"),
        (changed(PUSH, "occur_at", to="2026"), "payload.occur_at: expected int, got str"),
        (changed(PUSH, "occur_at", to=10**20), "is no time"),
        (changed(PUSH, "occur_at", to=-(10**12)), "is no time"),
        (changed(PUSH, "event_data"), "payload.event_data: missing"),
        (changed(PUSH, "event_data", "repository"), "event_data.repository: missing"),
        (changed(PUSH, "event_data", "repository", "repo_full_name"), "repo_full_name: missing"),
        (changed(PUSH, "event_data", "repository", "repo_full_name", to="../x"), "is no repository"),
        (changed(PUSH, "event_data", "resources"), "event_data.resources: missing"),
        (changed(PUSH, "event_data", "resources", to=[None]), "resource: expected an object"),
        (changed(PUSH, "event_data", "resources", 0, "digest"), "resource.digest: missing"),
        (changed(PUSH, "event_data", "resources", 0, "digest", to="sha256:x"), "is no digest"),
        (changed(PUSH, "event_data", "resources", 0, "tag"), "resource.tag: missing"),
        (changed(PUSH, "event_data", "resources", 0, "tag", to=".x"), "is no tag"),
        (changed(CLOUD_PUSH, "time"), "payload.time: missing"),
        (changed(CLOUD_PUSH, "time", to="today"), "is no time"),
        (changed(CLOUD_PUSH, "data", to=[]), "payload.data: expected dict, got list"),
        (changed("cloudevents_tag_retention", "data", "retention"), "event_data.retention"),
        (changed("cloudevents_tag_retention", "data", "retention", "project_name", to="A/B"), "is no namespace"),
        (changed("default_replication_success", "event_data", "replication"), "event_data.replication: missing"),
        (changed("default_replication_success", "event_data", "replication", "dest_resource"), "dest_resource"),
    ],
)
def test_what_nobody_should_send(payload, told):
    """A payload that is not as it should be is rejected whole, with the place and what was expected there."""
    assert told in reason(payload)


def test_too_deep_to_be_written_again():
    """What can just be parsed may be too deep for the fingerprint that is its id; it is rejected all the same."""
    for depth in range(10, 100_000, 10):
        body = json.dumps(captured(PUSH))[:-1].encode() + b', "x": ' + b"[" * depth + b"]" * depth + b"}"
        found = read(body, MAIN)
        if found.rejected:
            assert (found.events, "too deeply" in found.rejected[0].reason) == ((), True)
            return
    pytest.fail("nothing was too deep")


def test_the_client_chooses_no_more_than_words():
    """An operator's name is shortened and loses what could disturb a terminal."""
    (event,) = reading(changed(PUSH, "operator", to="\x1b[31mrobot\n" + "x" * 1000)).events
    assert event.actor.startswith("\ufffd[31mrobot\ufffdx")
    assert len(event.actor) <= 256


@pytest.mark.parametrize("operator", [None, 5, ["admin"], {}])
def test_an_operator_that_is_none(operator):
    """Evidence that is missing or no text is empty, and no fault."""
    (event,) = reading(changed(PUSH, "operator", to=operator)).events
    assert event.actor == ""


@pytest.mark.parametrize("id_", [None, 5, "", "a b", "x" * 129, "ü"])
def test_an_id_that_is_none(id_):
    """A CloudEvent without a usable id is known by what it says."""
    first, again = (reading(changed(CLOUD_PUSH, "id", to=id_)).events[0] for _ in range(2))
    assert first.id == again.id != id_
    assert first.id.isalnum()


def test_mutated_payloads():
    """5,000 damaged payloads are read or rejected whole, and both happens: the damage is neither small nor total."""
    chance = random.Random(20261122)
    originals = [(CAPTURED / f"{name}.json").read_bytes() for name in FILES]
    outcomes = Counter[str]()
    for _ in range(5000):
        found = read(damaged(chance.choice(originals), chance), MAIN)
        kinds = {"events": found.events, "suspects": found.suspects, "rejected": found.rejected}
        outcomes.update(kind for kind, given in kinds.items() if given)
        assert sum(map(bool, kinds.values())) <= 1
    assert min(outcomes[kind] for kind in ("events", "suspects", "rejected")) > 50


def damaged(content, chance):
    """The content with some bytes changed, cut out, doubled or replaced."""
    body = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(body))
        match chance.randrange(4):
            case 0:
                body[at] = chance.randrange(256)
            case 1:
                del body[at : at + chance.randint(1, 20)]
            case 2:
                body[at:at] = body[at : at + chance.randint(1, 40)]
            case 3:
                body[at:at] = chance.choice([b"null", b"[]", b"-1", b'"', b"}", b"1e999", b"NaN", b"\\ud800"])
        body = body or bytearray(b"x")
    return bytes(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
PLACES = [
    ("type",),
    ("occur_at",),
    ("operator",),
    ("event_data",),
    ("event_data", "repository"),
    ("event_data", "repository", "repo_full_name"),
    ("event_data", "resources"),
    ("event_data", "resources", 0),
    ("event_data", "resources", 0, "digest"),
    ("event_data", "resources", 0, "tag"),
]


@given(place=st.sampled_from(PLACES), value=JSON)
def test_any_value_anywhere(place, value):
    """Whatever stands in the place of a value: an event that says what was there, nothing, or a rejection."""
    found = reading(changed(PUSH, *place, to=value))
    assert len(found.events) + len(found.rejected) <= 1
    for event in found.events:
        assert (event.repository, event.digest) == (BUSYBOX, A) or place[-1] in (
            "repository",
            "repo_full_name",
            "digest",
        )
