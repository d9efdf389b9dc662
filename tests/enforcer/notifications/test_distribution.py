"""Envelopes as registries sent them (docker-registry 2.8.2 and 3.1.1), and what nobody should send."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.names import RegistryName
from enforcer.notifications.distribution import EVENTS, read
from enforcer.notifications.parsing import CHILDREN
from tests.fakes.policies import policy

MAIN = RegistryName("main")
CAPTURED = Path(__file__).parents[2] / "data" / "distribution_events"
FILES = sorted(str(path.relative_to(CAPTURED)) for path in CAPTURED.glob("*/*.json"))
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
INDEX = "application/vnd.oci.image.index.v1+json"
V2_REFERRERS = "sha256-07fdca103affcca4a7b007a24ec55a4519737601f54644241b52c295b09bc4f4"
V3_REFERRERS = "sha256-c5525ae6ac25dd8ce1bf26e85a619232244040f78d8bbf6178ba094f80dbbd9c"

# file: (action, repository, tag, first digits of the digest, number of children, actor) of each event
EXPECTED = {
    "v2/01_blob_upload_layer_and_config.json": [],
    "v2/02_push_manifest_oci_by_tag.json": [("push", "team/app", "1.0.0", "07fdca", 0, "")],
    "v2/03_repush_same_digest_by_tag.json": [("push", "team/app", "1.0.0", "07fdca", 0, "")],
    "v2/04_overwrite_tag_other_digest.json": [("push", "team/app", "1.0.0", "f857bd", 0, "")],
    "v2/05_push_manifest_by_digest.json": [],
    "v2/06_restore_put_old_manifest_by_tag.json": [("push", "team/app", "1.0.0", "07fdca", 0, "")],
    "v2/07_pull_manifest_by_tag_GET.json": [],
    "v2/08_pull_manifest_by_tag_HEAD.json": [],
    "v2/09_pull_manifest_by_digest_GET.json": [],
    "v2/10_pull_manifest_by_tag_no_accept_header.json": [],
    "v2/11_pull_blob_GET.json": [],
    "v2/12_blob_HEAD.json": [],
    "v2/13_mount_blob_cross_repo.json": [],
    "v2/14_push_manifest_docker_schema2_by_tag.json": [("push", "team/app", "docker-1", "73e1f3", 0, "")],
    "v2/15_index_children_push_by_digest.json": [],
    "v2/16_push_oci_index_by_tag.json": [("push", "team/app", "multi-1.0", "921131", 2, "")],
    "v2/18_push_oci_artifact_with_subject_by_digest.json": [],
    "v2/19_push_referrers_fallback_tag.json": [("push", "team/app", V2_REFERRERS, "1cf643", 1, "")],
    "v2/20_skopeo_copy_new_image.json": [("push", "team/sk", "1.0", "9986d2", 0, "")],
    "v2/21_skopeo_copy_same_again.json": [("push", "team/sk", "1.0", "9986d2", 0, "")],
    "v2/24_delete_by_tag.json": [],  # 2.8 cannot, and answers 400
    "v2/25_delete_missing_tag.json": [],
    "v2/26_delete_manifest_by_digest_with_two_tags.json": [
        ("delete", "team/app", None, "f857bd", 0, ""),
        ("delete", "team/app", "todel-b", None, 0, ""),
        ("delete", "team/app", "todel-a", None, 0, ""),
    ],
    "v2/27_delete_manifest_by_digest_again.json": [],
    "v2/29_push_manifest_missing_blob.json": [],
    "v2/30_push_wrong_content_type.json": [],
    "v2/31_push_with_basic_auth_actor.json": [("push", "a/b", "1", "522446", 0, "alice")],
    "v2/32_old_buildx_children_then_index_by_same_tag.json": [
        ("push", "team/multi", "3.0.0", "548786", 0, ""),
        ("push", "team/multi", "3.0.0", "4950de", 0, ""),
        ("push", "team/multi", "3.0.0", "625bae", 2, ""),
    ],
    "v3/01_blob_upload_layer_and_config.json": [],
    "v3/02_push_manifest_oci_by_tag.json": [("push", "team/app", "1.0.0", "c5525a", 0, "")],
    "v3/03_repush_same_digest_by_tag.json": [("push", "team/app", "1.0.0", "c5525a", 0, "")],
    "v3/04_overwrite_tag_other_digest.json": [("push", "team/app", "1.0.0", "d5b720", 0, "")],
    "v3/05_push_manifest_by_digest.json": [],
    "v3/06_restore_put_old_manifest_by_tag.json": [("push", "team/app", "1.0.0", "c5525a", 0, "")],
    "v3/07_pull_manifest_by_tag_GET.json": [],
    "v3/08_pull_manifest_by_tag_HEAD.json": [],
    "v3/09_pull_manifest_by_digest_GET.json": [],
    "v3/10_pull_manifest_by_tag_no_accept_header.json": [],
    "v3/11_pull_blob_GET.json": [],
    "v3/12_blob_HEAD.json": [],
    "v3/13_mount_blob_cross_repo.json": [],
    "v3/14_push_manifest_docker_schema2_by_tag.json": [("push", "team/app", "docker-1", "a72f9a", 0, "")],
    "v3/15_index_children_push_by_digest.json": [],
    "v3/16_push_oci_index_by_tag.json": [("push", "team/app", "multi-1.0", "b7ccd3", 2, "")],
    "v3/18_push_oci_artifact_with_subject_by_digest.json": [],
    "v3/19_push_referrers_fallback_tag.json": [("push", "team/app", V3_REFERRERS, "d39d7d", 1, "")],
    "v3/20_skopeo_copy_new_image.json": [("push", "team/sk", "1.0", "32d587", 0, "")],
    "v3/21_skopeo_copy_same_again.json": [("push", "team/sk", "1.0", "32d587", 0, "")],
    "v3/24_delete_by_tag.json": [("delete", "team/app", "todel-a", None, 0, "")],
    "v3/25_delete_missing_tag.json": [],
    "v3/26_delete_manifest_by_digest_with_two_tags.json": [
        ("delete", "team/app", None, "d5b720", 0, ""),
        ("delete", "team/app", "todel-b", None, 0, ""),
        ("delete", "team/app", "todel-a", None, 0, ""),
    ],
    "v3/27_delete_manifest_by_digest_again.json": [],
    "v3/29_push_manifest_missing_blob.json": [],
    "v3/30_push_wrong_content_type.json": [],
    "v3/31_push_with_basic_auth_actor.json": [("push", "a/b", "1", "522446", 0, "alice")],
    "v3/32_old_buildx_children_then_index_by_same_tag.json": [
        ("push", "team/multi", "3.0.0", "ec95d9", 0, ""),
        ("push", "team/multi", "3.0.0", "94802b", 0, ""),
        ("push", "team/multi", "3.0.0", "01a2bd", 2, ""),
    ],
}


def envelopes(file):
    return [request["envelope"] for request in json.loads((CAPTURED / file).read_text())["requests"]]


def captured(file):
    """The one envelope of a file with one."""
    (envelope,) = envelopes(file)
    return envelope


def push(**changes):
    """An event as a registry sends it, with changes to its target; a value of `...` removes the field."""
    event = captured("v3/02_push_manifest_oci_by_tag.json")["events"][0]
    event["target"] = {name: value for name, value in (event["target"] | changes).items() if value is not ...}
    return event


def read_json(envelope):
    return read(json.dumps(envelope).encode(), MAIN)


def read_one(event):
    """The event that an envelope with nothing else gives."""
    reading = read_json({"events": [event]})
    assert reading.rejected == ()
    (found,) = reading.events
    return found


def reason(event):
    """Why the only event of an envelope is rejected."""
    reading = read_json({"events": [event]})
    assert reading.events == ()
    (rejected,) = reading.rejected
    assert json.loads(rejected.content) == event
    return rejected.reason


def test_every_captured_file_has_an_expectation():
    """No captured file is left out, and none is missing."""
    assert list(EXPECTED) == FILES


@pytest.mark.parametrize(("file", "expected"), EXPECTED.items())
def test_captured(file, expected):
    """What a registry really sent for an action of a client becomes these events and no others."""
    readings = [read_json(envelope) for envelope in envelopes(file)]

    events = [event for reading in readings for event in reading.events]
    assert [
        (
            event.action.value,
            event.repository,
            event.tag,
            event.digest and event.digest.removeprefix("sha256:")[:6],
            len(event.children),
            event.actor,
        )
        for event in events
    ] == expected
    assert [reading.rejected for reading in readings] == [()] * len(readings)


def test_all_fields_of_an_index():
    """An event holds who did what from where, and which manifests the pushed index lists."""
    envelope = captured("v3/16_push_oci_index_by_tag.json")

    (event,) = read_json(envelope).events

    assert event.as_dict() == {
        "registry": "main",
        "action": "push",
        "repository": "team/app",
        "time": "2026-11-22T03:06:49.259483653Z",
        "id": "01a20138-7e2b-775e-ac16-8e8cec650d4b",
        "tag": "multi-1.0",
        "digest": "sha256:b7ccd3ef5544bc2bad9691302d568f1a37040f0336c74722c41590a11955380c",
        "media_type": INDEX,
        "children": (
            "sha256:ce564c92bac0614f73dd21550deea001f2840f89ec030ad612f23fe0e2157ea0",
            "sha256:c07839c35574bd2c7601d517ff8a200f8624b9a4812532a3899e1cb620e0413e",
        ),
        "address": "127.0.0.1:41498",
        "user_agent": "lab-client/1.0",
        "source": "01a20136-b048-7cc3-9ff5-7afe77400bec",
    }


def test_several_events_in_one_envelope():
    """2.8's code can send several; each is read, whatever stands beside it."""
    pull = push() | {"action": "pull"}

    reading = read_json({"events": [push(tag="1"), pull, {"action": "push"}, push(tag="2")]})

    assert [event.tag for event in reading.events] == ["1", "2"]
    assert [rejected.reason for rejected in reading.rejected] == ["events[2]: event.target: missing"]


def test_no_events():
    """An empty envelope says nothing, and that is understood."""
    reading = read_json({"events": []})

    assert (reading.events, reading.rejected) == ((), ())


@pytest.mark.parametrize("action", ["pull", "mount", "PUSH", "", "replicate", "approve", "adopt"])
def test_other_actions(action):
    """Actions that change no tag, those that no registry has yet, and those of operators are passed over."""
    reading = read_json({"events": [push() | {"action": action}]})

    assert (reading.events, reading.rejected) == ((), ())


@pytest.mark.parametrize("tag", ["", ...])
def test_push_without_tag(tag):
    """A push by digest changes no tag, even if the rest of it is wrong; which manifest it was is known."""
    blob = push(tag=tag, mediaType="application/octet-stream", repository=1)
    reading = read_json({"events": [push(tag=tag), push(tag=tag, digest="wrong"), blob]})

    assert (reading.events, reading.rejected) == ((), ())
    assert [(event.tag, event.digest) for event in reading.untagged] == [(None, push()["target"]["digest"])]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe\xfa", "no JSON"),
        (b"\x80", "no JSON"),
        (b"action=push", "no JSON"),
        (b'{"events": [' + b"1" * 5000 + b"]}", "no JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"events":' * 100_000, "nested too deeply"),
        (b"null", "envelope: expected an object, got NoneType"),
        (b"[]", "envelope: expected an object, got list"),
        (b'"events"', "envelope: expected an object, got str"),
        (b"{}", "envelope.events: missing"),
        (b'{"events": null}', "envelope.events: expected list, got NoneType"),
        (b'{"events": {}}', "envelope.events: expected list, got dict"),
        (b'{"events": "push"}', "envelope.events: expected list, got str"),
    ],
)
def test_no_envelope(body, expected):
    """A body that is no envelope is rejected whole, with the reason."""
    reading = read(body, MAIN)

    assert reading.events == ()
    ((why, content),) = [(rejected.reason, rejected.content) for rejected in reading.rejected]
    assert expected in why
    assert content == body


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (None, "events[0]: event: expected an object, got NoneType"),
        ([], "events[0]: event: expected an object, got list"),
        ("push", "events[0]: event: expected an object, got str"),
        ({}, "events[0]: event.action: missing"),
        (push() | {"action": 1}, "event.action: expected str, got int"),
        (push() | {"action": ["push"]}, "event.action: expected str, got list"),
        (push() | {"target": None}, "event.target: expected dict, got NoneType"),
        (push() | {"target": [1]}, "event.target: expected dict, got list"),
        ({"action": "pull"}, "event.target: missing"),
        (push() | {"timestamp": 5}, "event.timestamp: expected str, got int"),
        (push() | {"timestamp": "yesterday"}, "'yesterday' is no time"),
        (push(repository=...), "event.target.repository: missing"),
        (push(repository=None), "event.target.repository: expected str, got NoneType"),
        (push(repository="Team/App"), "'Team/App' is no repository"),
        (push(repository="../etc"), "is no repository"),
        (push(repository="a\ud800"), "is no repository"),
        (push(tag=5), "event.target.tag: expected str, got int"),
        (push(tag=None), "event.target.tag: expected str, got NoneType"),
        (push(tag="-x"), "'-x' is no tag"),
        (push(tag="a" * 129), "is no tag"),
        (push(tag="\ud800"), "is no tag"),
        (push(digest="sha256:short"), "'sha256:short' is no digest"),
        (push(digest=7), "event.target.digest: expected str, got int"),
        (push(digest=...), "event.target.digest: missing"),
        (push(digest=""), "event.target.digest: missing"),
        (push(tag=..., digest=...) | {"action": "delete"}, "a delete with neither tag nor digest"),
        (push(tag="", digest="") | {"action": "delete"}, "a delete with neither tag nor digest"),
    ],
)
def test_no_event(event, expected):
    """An event that cannot be understood is rejected with what was wrong, and kept as it came."""
    assert expected in reason(event)


def test_missing_timestamp():
    """An event without its time cannot be put into the order."""
    event = push()
    del event["timestamp"]

    assert reason(event) == "events[0]: event.timestamp: missing"


def test_not_a_number():
    """NaN, which is no JSON but which Python reads, does no harm."""
    body = json.dumps({"events": [push(size=float("nan")) | {"id": float("inf")}]}).encode()

    (event,) = read(body, MAIN).events
    assert b"NaN" in body
    assert len(event.id) == 32


def test_most_events():
    """An envelope of more than 10,000 events is rejected whole, one of as many is read."""
    pull = {"action": "pull", "target": {}}
    assert EVENTS == 10_000

    (rejected,) = read_json({"events": [pull] * 10_001}).rejected

    assert rejected.reason == "envelope.events: 10001 events, more than 10000"
    assert read_json({"events": [pull] * 10_000}).rejected == ()


@pytest.mark.parametrize("given_id", [None, 5, "", "a b", "a\nb", "é", "x" * 129, {"a": 1}, "x" * 1_000_000])
def test_unusable_id(given_id):
    """An id that is no short line of text is replaced by a fingerprint: equal events stay one event, others do not."""
    ids = [read_one(push(tag=tag) | {"id": given_id}).id for tag in ("1", "1", "2")]

    assert ids[0] == ids[1]
    assert ids[0] != ids[2]
    assert [len(event_id) for event_id in ids] == [32] * 3


def test_missing_id():
    """A format without ids gives equal events equal ids."""
    event = push()
    del event["id"]

    assert read_one(event).id == read_one(copy.deepcopy(event)).id
    assert read_one(event).id != read_one(event | {"timestamp": "2026-11-22T03:06:40Z"}).id


@pytest.mark.parametrize("given_id", ["1", "x" * 128, "{a}", "a|b~", "01a20138-7e2b-775e-ac16-8e8cec650d4b"])
def test_own_id(given_id):
    """A registry's own id is kept as it is."""
    assert read_one(push() | {"id": given_id}).id == given_id


@pytest.mark.parametrize("references", [None, {}, "x", 5, [], [None, 1, "x", []], [{}, {"digest": None}]])
def test_no_children(references):
    """An index without usable references, as without `includereferences`, is an event without children."""
    assert read_one(push(mediaType=INDEX, references=references)).children == ()


def test_children_of_an_index():
    """Each child counts once; one without a digest hides neither the others nor the push itself."""
    references = [{"digest": DIGEST}, {"digest": "sha999:zz"}, 1, {"digest": OTHER}, {"digest": DIGEST}]

    assert read_one(push(mediaType=INDEX, references=references)).children == (DIGEST, OTHER)


def test_layers_are_no_children():
    """What an image manifest refers to is its layers: they are no manifests."""
    assert read_one(push(references=[{"digest": DIGEST}])).children == ()


def test_most_children():
    """Of an index with more children than any real one the first are kept."""
    references = [{"digest": f"sha256:{number:064x}"} for number in range(CHILDREN + 1)]

    children = read_one(push(mediaType=INDEX, references=references)).children

    assert (len(children), children[-1]) == (1000, f"sha256:{999:064x}")


def test_evidence_is_made_harmless():
    """Texts that a client chose are shortened, and hold nothing that moves a terminal or breaks a line."""
    request = {"addr": "1.2.3.4\n5", "useragent": "\x1b[31mred\u202e\ud800 " + "x" * 1000}

    event = read_one(push() | {"actor": {"name": "mallory\x00\n"}, "request": request})

    assert (event.actor, event.address, event.user_agent) == (
        "mallory\ufffd\ufffd",
        "1.2.3.4\ufffd5",
        "\ufffd[31mred\ufffd\ufffd " + "x" * 244 + "\ufffd",
    )


@pytest.mark.parametrize("odd", [None, 5, "x", [], {}, {"name": 5, "addr": [], "useragent": None}])
def test_evidence_may_be_missing(odd):
    """An event counts whether or not it says who did it from where."""
    event = read_one(push(mediaType=odd) | {"actor": odd, "request": odd})

    assert (event.actor, event.address, event.user_agent) == ("", "", "")


def test_nothing_else_is_believed():
    """Which registry it was is known from where the notification came, never from what it says."""
    event = read_one(push(url="https://evil.example/v2/") | {"registry": "evil"})

    assert event.registry == "main"
    assert "evil" not in event.to_json()


@pytest.mark.parametrize(
    ("told", "source"),
    [
        ({"source": {"addr": "host:5000", "instanceID": "a-process"}}, "a-process"),
        ({"source": {"addr": "host:5000"}}, "host:5000"),
        ({"source": {"addr": "host:5000", "instanceID": 7}}, "host:5000"),
        ({"source": {"instanceID": "x" * 1000}}, "x" * 63 + "\N{REPLACEMENT CHARACTER}"),
        ({"source": {"instanceID": "harbor"}}, ""),
        ({"source": {"instanceID": "enforcer"}}, ""),
        ({"source": "a-process"}, ""),
        ({}, ""),
    ],
)
def test_source(told, source):
    """The process that says it is known by its id, else its address; none takes the name of a Harbor, or ours."""
    fields = push()
    fields.pop("source", None)

    assert read_one(fields | told).source == source


JUNK = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        10**400,
        float("nan"),
        float("inf"),
        "",
        "x",
        "push",
        "delete",
        DIGEST,
        "\ud800",
        "a\x00b",
    ),
    *([], {}, [[]], {"digest": DIGEST}, ["x"], "x" * 5000, "2026-11-22T03:06:49Z", "9" * 30),
]


def mutated(value, chance):
    """A JSON value with one thing in it changed: replaced, removed, doubled, or put somewhere else."""
    places = list(_places(value))
    inside, key = chance.choice(places)
    kind = chance.randrange(4)
    if kind == 0:
        inside[key] = chance.choice(JUNK)
    elif kind == 1:
        del inside[key]
    elif kind == 2:
        other, other_key = chance.choice(places)
        inside[key] = copy.deepcopy(other[other_key])
    elif isinstance(inside, list):
        inside.insert(key, copy.deepcopy(inside[key]))
    else:
        inside[str(key)[:-1]] = inside[key]


def _places(value):
    keys = range(len(value)) if isinstance(value, list) else list(value)
    for key in keys:
        yield value, key
        if isinstance(value[key], list | dict) and value[key]:
            yield from _places(value[key])


def ignorable(event):
    """Rule 1, said once more: what concerns no tag by its action or, for a push, by having no tag."""
    return event["action"] not in ("push", "delete") or (
        event["action"] == "push" and event["target"].get("tag", "") == ""
    )


def test_mutated_envelopes():
    """Of 1,000 captured envelopes with something changed none raises, and no event is lost without a word."""
    chance = random.Random(20_261_122)
    originals = [envelope for file in FILES for envelope in envelopes(file)]
    rejections = 0
    for _ in range(1000):
        envelope = copy.deepcopy(chance.choice(originals))
        for _ in range(chance.randint(1, 3)):
            if envelope:
                mutated(envelope, chance)

        reading = read_json(envelope)

        rejections += len(reading.rejected)
        if isinstance(envelope.get("events"), list):
            passed_over = len(envelope["events"]) - len(reading.events) - len(reading.rejected)
            rejected = [json.loads(rejected.content) for rejected in reading.rejected]
            left = [event for event in envelope["events"] if json.dumps(event) not in map(json.dumps, rejected)]
            assert passed_over == sum(map(ignorable, left))
        else:
            assert (len(reading.events), len(reading.rejected)) == (0, 1)
    assert 200 < rejections < 800


@given(body=st.binary(max_size=200))
def test_any_bytes(body):
    """Whatever bytes come, reading them gives events or says why not."""
    reading = read(body, MAIN)

    assert reading.events == ()


@pytest.mark.parametrize(
    "name", ["release\u200b-bot", "release-bot\n", "release-bot\x00", "\u202erelease-bot", "x" * 300]
)
def test_name_that_only_looks_like_another_is_another(name):
    """An account whose name looks the same when it is shown bypasses no policy."""
    captured = json.loads((CAPTURED / "v3/02_push_manifest_oci_by_tag.json").read_bytes())
    envelope = captured["requests"][0]["envelope"]
    envelope["events"][0]["actor"] = {"name": name}
    parsed = read_json(envelope)
    lax = policy(bypass_actors=frozenset({"release-bot", name, name[:256]}))
    assert [lax.is_bypassed_by(event.actor) for event in parsed.events] == [False]
