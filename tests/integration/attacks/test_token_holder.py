"""Whoever has the notification token can announce anything: what was honestly pushed stays what a tag must be."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest

from enforcer.names import Digest
from tests.fakes.images import image
from tests.integration.attacks.bench import FakeTable, bench, side_by_side
from tests.integration.attacks.expected import each
from tests.integration.attacks.fights import within
from tests.integration.installation import wait_for

pytestmark = pytest.mark.integration

GUARDED = """
[[policies]]
registry = "main"
namespace = "guarded"
tags = { pattern = "**" }
bypass_actors = ["release-bot"]
"""
LOCKED = FakeTable(more='username = "enforcer"\npassword = "its-password"', policy='bypass_actors = ["release-bot"]')
ACCOUNTS = dict.fromkeys(("enforcer", "alice", "release-bot", "release\u200b-bot"), "its-password")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    whole = bench(tmp_path_factory.mktemp("token"), more=GUARDED, fakes={"locked": LOCKED}, log_in=ACCOUNTS)
    with whole as running:
        yield running


@dataclass(frozen=True)
class Place:
    """A tag 1.0 that is honestly pushed, and another digest that is announced for it."""

    whole: object
    repository: str
    registry: str = "main"

    def honest(self):
        """Push, and wait until it is recorded; where nothing was forged before."""
        pushed = self.push()
        self.whole.wait_recorded(self.repository, "1.0", registry=self.registry)
        wait_for(lambda: self.record() == pushed, seconds=5)
        time.sleep(0.5)  # seen under the tag
        return pushed

    def push(self, actor="alice"):
        content = self.whole.upload(self.repository, "honest", registry=self.registry)
        at = self.whole.url_of(self.registry)
        return self.whole.push(self.repository, "1.0", content, at=at, auth=(actor, "its-password"))

    def present(self):
        """The digest of something else, which is there and was never under the tag."""
        content = self.whole.upload(self.repository, "evil", registry=self.registry)
        at = self.whole.url_of(self.registry)
        digest = Digest.of(content)
        return self.whole.push(self.repository, digest, content, at=at, auth=("alice", "its-password"))

    def announce(self, digest, **changes):
        target = {"digest": digest, "repository": self.repository, "tag": "1.0"}
        answer = self.whole.forge(self.registry, target=target, **changes)
        assert answer.status_code < 300

    def record(self):
        return self.whole.record(self.repository, "1.0", registry=self.registry)

    def served(self):
        return self.whole.served(self.repository, "1.0", registry=self.registry)


def announced_and_absent(place):
    """The first announcement is of a digest that does not exist."""
    place.announce(Digest.of(b"what was never pushed"))
    time.sleep(2.5)
    return place.push()


def announced_and_elsewhere(place):
    """The first announcement is of a digest that is there, and never was under the tag."""
    place.announce(place.present())
    time.sleep(2.5)
    return place.push()


def in_the_name_of_a_bypass_actor(place):
    """Whoever may move the tag is said to have moved it."""
    honest, evil = place.honest(), place.present()
    place.announce(evil, actor="release-bot")
    return honest


def dated(seconds):
    """The other digest is said to have been pushed at another time."""

    def forge(place):
        honest, evil = place.honest(), place.present()
        place.announce(evil, at=time.time() + seconds)
        return honest

    return forge


FORGERIES = {
    "announced-and-absent": ("team", announced_and_absent),
    "announced-and-elsewhere": ("team", announced_and_elsewhere),
    "bypass-actor-without-login": ("guarded", in_the_name_of_a_bypass_actor),
    "bypass-actor-with-login": ("locked", in_the_name_of_a_bypass_actor),
    "dated-in-an-hour": ("team", dated(3600)),
    "dated-before-the-original": ("team", dated(-500)),
}
BELIEVED = {
    "announced-and-absent": "attacks.md 2.1: what an event says is recorded unseen",
    "announced-and-elsewhere": "attacks.md 2.1: what an event says is recorded unseen",
    "bypass-actor-with-login": "attacks.md 2.1: the record follows an event that nothing confirms",
}


@pytest.fixture(scope="module")
def forged(running):
    """The honest digest of every place, and what is recorded and served there in the end."""

    def story(name):
        where, forge = FORGERIES[name]
        locked = where == "locked"
        place = Place(running, f"{'team' if locked else where}/{name}", "locked" if locked else "main")
        honest = forge(place)
        wait_for(lambda: place.served() is not None, seconds=5)
        time.sleep(2)
        within(lambda: (place.record(), place.served()) == (honest, honest), 3)
        return honest, place.record(), place.served()

    return dict(zip(FORGERIES, side_by_side(story, list(FORGERIES)), strict=True))


@pytest.mark.parametrize("name", each(FORGERIES, BELIEVED))
def test_honest_push_stays(forged, name):
    """It is the record, and what the registry serves."""
    honest, record, served = forged[name]
    assert (record, served) == (honest, honest)


def test_name_that_only_looks_like_a_bypass_actor(running):
    """An account whose name looks the same when it is shown may not move a tag."""
    place = Place(running, "team/lookalike", "locked")
    honest = place.honest()
    evil = image("honest", label="evil")
    at = running.url_of("locked")
    running.push(place.repository, "1.0", evil, at=at, auth=("release\u200b-bot", "its-password"))
    assert within(lambda: bool(running.alerts(place.repository, "1.0", registry="locked")), 5)
    assert within(lambda: (place.record(), place.served()) == (honest, honest), 5)


def test_bypass_actor_who_logged_in(running):
    """The one that is meant moves the tag, and the record follows."""
    place = Place(running, "team/bypassed", "locked")
    place.honest()
    at = running.url_of("locked")
    moved = running.push(
        place.repository, "1.0", image("honest", label="next"), at=at, auth=("release-bot", "its-password")
    )
    assert within(lambda: place.record() == moved, 5)
    assert place.served() == moved


def test_replay_of_a_poisoned_archive(running, tmp_path):
    """What came too late to be believed when it arrived is not believed by the store that is made anew from it."""
    place = Place(running, "team/poisoned")
    honest, evil = place.honest(), place.present()
    place.announce(evil, at=time.time() - 86400)
    running.wait_judged()
    assert place.record() == honest
    exported = running.run("export", "--events", module="worker")
    assert exported.returncode == 0, exported.stderr
    config = tmp_path / "enforcer.toml"
    config.write_text((running.directory / "enforcer.toml").read_text())
    (tmp_path / "events.jsonl").write_text(exported.stdout)
    replayed = running.run("replay", "--registry", "main", "events.jsonl", module="worker", config=config)
    assert replayed.returncode in (0, 3), replayed.stderr
    shown = running.run("tag", "show", "--registry", "main", "team/poisoned:1.0", "--json", config=config)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["digest"] == honest
