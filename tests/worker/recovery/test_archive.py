from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from enforcer.events import Action
from enforcer.notifications import distribution, harbor
from enforcer.times import Time
from tests.fakes.events import MAIN, digest, push
from worker.recovery.archive import Archive
from worker.recovery.documents import Document

DATA = Path(__file__).parents[2] / "data"
ARCHIVE = Archive(MAIN, {"main"})


def document(value) -> Document:
    return Document("file:1", value, text=json.dumps(value))


def captured():
    """The envelopes that real registries sent."""
    for path in sorted((DATA / "distribution_events").glob("*/*.json")):
        for request in json.loads(path.read_text())["requests"]:
            yield request["envelope"]


def harbor_payloads():
    for path in sorted((DATA / "harbor_events").rglob("*.json")):
        yield json.loads(path.read_text())


def whole(reading):
    """A replay takes the pushes by digest with all others: policies may let tags settle."""
    return replace(reading, events=(*reading.events, *reading.untagged), untagged=())


def test_distribution_envelopes():
    """Envelopes are read as the receiver reads them."""
    envelopes = list(captured())
    assert envelopes
    for envelope in envelopes:
        assert ARCHIVE.read(document(envelope)) == whole(distribution.read(json.dumps(envelope).encode(), MAIN))


def test_single_events_of_an_envelope():
    """So is one event of an envelope, which is what is written to the rejects when the others were understood."""
    envelope = next(envelope for envelope in captured() if envelope["events"][0]["action"] == "push")
    for event in envelope["events"]:
        alone = distribution.read(json.dumps({"events": [event]}).encode(), MAIN)
        assert ARCHIVE.read(document(event)) == whole(alone)


def test_harbor_payloads():
    """Both of Harbor's formats are read as the receiver reads them."""
    payloads = [payload for payload in harbor_payloads() if isinstance(payload, dict) and "type" in payload]
    assert payloads
    for payload in payloads:
        assert ARCHIVE.read(document(payload)).events == harbor.read(json.dumps(payload).encode(), MAIN).events


def test_exported_events():
    """Our own events come back as they were, those of operators too."""
    approval = replace(push("2", digest(2)), action=Action.APPROVE, reason="new release")
    for event in (push("1", digest(1)), approval):
        assert ARCHIVE.read(document(event.as_dict())).events == (event,)


def test_a_registry_that_is_not_configured():
    """An exported event of an unknown registry is refused: no policy could say anything of it."""
    (rejected,) = ARCHIVE.read(document(push("1", digest(1), registry="former").as_dict())).rejected
    assert "none is configured under that name" in rejected.reason


def test_whose_it_is_must_be_known():
    """Where several registries are configured, foreign events need one to be named, and exported ones do not."""
    archive = Archive(None, {"main", "other"})
    (rejected,) = archive.read(document({"events": []})).rejected
    assert "--registry" in rejected.reason
    assert len(archive.read(document(push("1", digest(1)).as_dict())).events) == 1


@pytest.mark.parametrize("value", [None, 1, "x", [], [1], {}, {"events": 1}, {"target": {}}, {"registry": "main"}])
def test_what_is_not_understood(value):
    """Anything else is rejected with a reason and its own text."""
    (rejected,) = ARCHIVE.read(document(value)).rejected
    assert rejected.reason
    assert rejected.content


def test_what_is_no_json():
    """What could not be read at all is rejected as well."""
    (rejected,) = ARCHIVE.read(Document("file:1", problem="no JSON", text="{")).rejected
    assert (rejected.reason, rejected.content) == ("no JSON", b"{")


def test_since_and_until():
    """Events count from `since` on and before `until`."""
    times = [Time(f"2026-11-0{day}T00:00:00Z") for day in range(1, 6)]
    archive = Archive(MAIN, {"main"}, since=times[1], until=times[3])
    taken = [time for time in times if archive.read(document(push(time, digest(1), time).as_dict())).events]
    assert taken == times[1:3]
