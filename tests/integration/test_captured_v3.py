"""What a 3.x registry announced, told again to a whole installation: each row ends as the rules say.

The events are captured ones with other digests and times, since the images behind them are not there; the registry is
one in memory, in which a test does what the client had done.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from enforcer.manifests import is_index
from enforcer.names import Digest
from enforcer.times import Time
from tests.fakes.images import image, index
from tests.fakes.registry import FakeRegistry
from tests.integration.installation import TOKEN, installation, wait_for
from tests.integration.operator import ACCOUNT, Operator

pytestmark = pytest.mark.integration

CAPTURED = Path(__file__).parents[1] / "data" / "distribution_events" / "v3"
MORE = """
[registries.v3]
url = "{url}"
notification_token = "{token}"
[[policies]]
registry = "v3"
namespace = "team"
tags = {{ pattern = "**" }}
settle = 120
[[policies]]
registry = "v3"
namespace = "a"
tags = {{ pattern = "**" }}
"""
CONTENT_TYPE = "application/vnd.docker.distribution.events.v2+json"
REFERRERS = "sha256-c5525ae6ac25dd8ce1bf26e85a619232244040f78d8bbf6178ba094f80dbbd9c"


def captured(name: str) -> list[dict[str, Any]]:
    """The events of a file, by the number that it begins with."""
    (file,) = CAPTURED.glob(f"{name}_*.json")
    sent = json.loads(file.read_text())["requests"]
    assert {request["headers"]["Content-Type"] for request in sent} <= {CONTENT_TYPE}
    return [event for request in sent for event in request["envelope"]["events"]]


class Registry3:
    """Does to the registry in memory what captured events tell, and tells them."""

    def __init__(self, registry: FakeRegistry, operator: Operator) -> None:
        self.registry = registry
        self.operator = operator
        self._contents: dict[str, bytes] = {}
        self._told = 0

    def play(self, name: str, **changes: Any) -> None:
        """Do and tell what is captured under that name, with these changes of its targets."""
        for event in captured(name):
            event["target"] |= changes
            self._translate(event)
            self._do(event["action"], event["target"])
            self.tell(event)

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event, as of now and with an id of its own."""
        self._told += 1
        told = event | {"id": f"{event['id'][:-6]}{self._told:06d}", "timestamp": Time.now()}
        address = f"{self.operator.whole.url}/notifications/v3"
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": CONTENT_TYPE}
        body = json.dumps({"events": [told]})
        assert requests.post(address, data=body, headers=headers, timeout=5).status_code == 202

    def wait_for(self, tag: str, original: str) -> None:
        """Wait until a tag of team/app is restored to a captured digest, and tell of that as the registry does."""
        digest = self.digest(original)
        wait_for(lambda: self.registry.tag_digest("team/app", tag) == digest, what=f"the restore of {tag}")
        event = captured("06")[0]
        event["target"] |= {"tag": tag, "digest": digest}
        event["request"]["useragent"] = "tag-enforcer/here"
        self.tell(event)

    def digest(self, original: str) -> Digest:
        """The digest of what stands for a captured image."""
        return Digest.of(self._content(original))

    def _content(self, digest: str) -> bytes:
        """What stands for a captured image."""
        return self._contents.setdefault(digest, image(digest))

    def _translate(self, event: dict[str, Any]) -> None:
        target = event["target"]
        references = target.get("references", [])
        if is_index(target.get("mediaType", "")):
            self._contents[target["digest"]] = index(*(self._content(each["digest"]) for each in references))
        for place in (target, *references):
            if place.get("digest"):
                place["digest"] = self.digest(place["digest"])

    def _do(self, action: str, target: dict[str, Any]) -> None:
        repository, tag = target["repository"], target.get("tag") or None
        if action == "delete":
            self.registry.delete_manifest(repository, tag or target["digest"])
        elif action == "push" and target["mediaType"] != "application/octet-stream":
            content = next(one for one in self._contents.values() if Digest.of(one) == target["digest"])
            self.registry.put_manifest(repository, tag, content, target["mediaType"])


@pytest.fixture
def v3(tmp_path):
    with ExitStack() as stack:
        registry = stack.enter_context(FakeRegistry())
        more = ACCOUNT + MORE.format(url=registry.url, token=TOKEN)
        whole = stack.enter_context(installation(tmp_path, more))
        operator = Operator(whole, "v3")
        operator.wait_until_idle()
        yield Registry3(registry, operator)


def test_every_row(v3):
    """Pushes, re-pushes, overwrites, indexes, deletions by tag and digest, and old build tools, one after the other."""
    original, other = (captured(name)[0]["target"]["digest"] for name in ("02", "04"))
    for name in ("01", "02", "03", "04"):
        v3.play(name)
    v3.wait_for("1.0.0", original)
    for name in ("05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16", "18", "19", "20", "21"):
        v3.play(name)
    for tag in ("todel-a", "todel-b"):
        v3.play("04", tag=tag)
    kept = "te:{v3/team/app}:manifests"
    wait_for(lambda: v3.operator.store.hexists(kept, v3.digest(other)), what="the keeping of originals")
    v3.play("24")
    v3.wait_for("todel-a", other)
    for name in ("25", "26", "27", "29", "30", "31", "32"):
        v3.play(name)
    for tag in ("todel-a", "todel-b"):
        v3.wait_for(tag, other)
    v3.operator.wait_until_idle()

    assert {place: v3.operator.decisions(*place) for place in EXPECTED} == EXPECTED
    recorded = {
        (repository, tag): digest
        for repository in ("team/app", "team/sk", "a/b", "team/multi", "team/other")
        for tag, digest in v3.operator.recorded(repository).items()
    }
    assert set(recorded) == set(EXPECTED)
    assert {place: v3.registry.tag_digest(*place) for place in EXPECTED} == recorded
    ended = [
        ("1.0.0", "overwritten", "restored"),
        ("todel-a", "deleted", "restored"),
        ("todel-a", "deleted", "restored"),
        ("todel-b", "deleted", "restored"),
    ]

    def found():
        return sorted((one["tag"], one["kind"], one["state"]) for one in v3.operator.violations("team/app"))

    wait_for(lambda: found() == ended, what="the end of the violations")
    assert v3.operator.violations("team/multi") == []
    assert v3.operator.history("a/b", "1")[0]["actor"] == "alice"


EXPECTED = {
    ("team/app", "1.0.0"): ["recorded", "unchanged", "overwritten", "restored", "unchanged"],
    ("team/app", "docker-1"): ["recorded"],
    ("team/app", "multi-1.0"): ["recorded"],
    ("team/app", REFERRERS): ["moved"],
    ("team/app", "todel-a"): ["recorded", "deleted", "restored", "deleted", "unchanged", "restored"],
    ("team/app", "todel-b"): ["recorded", "deleted", "unchanged", "restored"],
    ("team/sk", "1.0"): ["recorded", "unchanged"],
    ("team/multi", "3.0.0"): ["recorded", "part", "superseded"],
    ("a/b", "1"): ["recorded"],
}
"""What is decided of each tag; no other one is ever heard of."""
