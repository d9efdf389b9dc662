from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from enforcer.errors import RegistryUnavailable
from enforcer.judgement.record import TagState
from enforcer.names import Digest
from enforcer.times import Time
from tests.fakes.events import MAIN, digest
from tests.fakes.images import blob, image
from tests.fakes.registry import errors
from tests.fakes.scans import FAST, announce, name_of, push_tags
from worker.scanning.observation import Observation
from worker.scanning.scan import LOOKS_AHEAD, TRIES, batches, scan_of


@pytest.fixture
def context(make_context):
    return make_context(sweep_rate=FAST)


@pytest.fixture
def scan(context):
    with scan_of(context, MAIN) as scan:
        yield scan


def observations(scan, *repositories):
    return [observation for listing in scan.listings(repositories) for observation in scan.observations(listing)]


def test_repositories_of_both_sides(scan, registry, context):
    """Repositories that only the registry lists or only the ledger knows are all looked at, in order."""
    registry.put_manifest("team/b", "1", image("b"))
    announce(context, "team/a:1")
    announce(context, "other/c:1")
    assert scan.repositories() == (["other/c", "team/a", "team/b"], "")


def test_catalog_denied(scan, registry, context):
    """An account that may not list all repositories sees those of the ledger, and is told so."""
    announce(context, "team/a:1")
    registry.put_manifest("team/b", "1", image("b"))
    registry.fail_with(403, body=b'{"errors": [{"code": "DENIED", "message": "requested access is denied"}]}')
    repositories, problem = scan.repositories()
    assert repositories == ["team/a"]
    assert "only repositories that were pushed to before" in problem
    assert "403" in problem


def test_registry_away(scan, registry):
    """A registry that is away has no repositories that could be told."""
    registry.stop()
    with pytest.raises(RegistryUnavailable, match="no answer"):
        scan.repositories()


def test_tags_of_both_sides(scan, registry, context):
    """Tags that only the registry lists or only the ledger knows are all looked at, in order, each with its record."""
    found = registry.put_manifest("team/app", "b", image("b"))
    announce(context, "team/app:a", digest(7))
    (listing,) = scan.listings(["team/app"])
    assert list(listing.tags) == ["a", "b"]
    assert listing.tags["a"].record.digest == digest(7)
    assert listing.tags["b"] == TagState()
    first, second = scan.observations(listing)
    assert (first.name, first.found, first.differs) == (name_of("team/app:a"), None, True)
    assert (second.name, second.found, second.differs) == (name_of("team/app:b"), found, True)


def test_many_pages_and_looks_in_order(scan, registry):
    """Repositories with more tags than a page holds, and than are looked at ahead, come whole and in order."""
    registry.page_size = 70
    expected = push_tags(registry, "team/app", 3 * LOOKS_AHEAD, image("a")) + push_tags(
        registry, "team/b", 3, image("b")
    )
    assert [observation.name.reference for observation in observations(scan, "team/app", "team/b")] == expected


def test_looks_are_side_by_side(scan, registry):
    """Many looks wait for the network at the same time."""
    push_tags(registry, "team/app", 64, image("a"))
    registry.latency = 0.05
    assert len(observations(scan, "team/app")) == 64
    assert registry.most_at_once > 4


def test_no_faster_than_the_pace(make_context, registry):
    """However many look side by side, no more requests are sent than the rate allows."""
    push_tags(registry, "team/app", 20, image("a"))
    began = time.monotonic()
    with scan_of(make_context(sweep_rate=100), MAIN) as scan:
        assert len(observations(scan, "team/app")) == 20
    assert time.monotonic() - began >= 0.19


def test_surveys_of_a_registry_share_its_pace(make_context, registry):
    """Several surveys send no more requests than one; the end of one leaves the others at work."""
    push_tags(registry, "team/app", 10, image("a"))
    context = make_context(sweep_rate=100)
    began = time.monotonic()
    with scan_of(context, MAIN) as first:
        with scan_of(context, MAIN) as second, ThreadPoolExecutor(2) as pool:
            for seen in pool.map(lambda scan: observations(scan, "team/app"), (first, second)):
                assert len(seen) == 10
        assert time.monotonic() - began >= 0.2
        assert len(observations(first, "team/app")) == 10


def test_repository_deleted_meanwhile(scan, registry, context):
    """A repository that is gone when its turn comes has the tags that the ledger knows, and they are gone."""
    announce(context, "team/app:1")
    assert [
        (observation.found, observation.problem) for observation in observations(scan, "team/app", "team/none")
    ] == [(None, "")]


def test_one_tag_that_cannot_be_told(scan, registry):
    """A tag that the registry cannot serve is a problem of that tag, after some tries; the others are looked at."""
    push_tags(registry, "team/app", 2, image("a"))
    whole = registry._served
    registry._served = lambda repository, reference, headers: (
        errors(500, "UNKNOWN") if reference == "v000" else whole(repository, reference, headers)
    )
    first, second = observations(scan, "team/app")
    assert "500" in first.problem
    assert first.found is None
    assert (second.problem, second.found) == ("", Digest.of(image("a")))
    assert registry.requests.count(("HEAD", "/v2/team/app/manifests/v000")) == TRIES


def test_asked_again_when_it_is_busy(scan, registry):
    """What is answered after some tries is no problem."""
    push_tags(registry, "team/app", 1, image("a"))
    registry.fail_with(429, {"Retry-After": "300"}, times=TRIES - 1)
    assert [observation.problem for observation in observations(scan, "team/app")] == [""]


def test_away_in_the_middle(scan, registry):
    """A registry that goes away ends the survey with one error, and not with one for each tag."""
    push_tags(registry, "team/app", 200, image("a"))
    (listing,) = scan.listings(["team/app"])
    seen = scan.observations(listing)
    next(seen)
    registry.stop()
    with pytest.raises(RegistryUnavailable):
        list(seen)


def test_listing_denied(scan, registry):
    """A repository that may not be read is a problem of that one, and nothing is said of its tags."""
    push_tags(registry, "team/app", 1, image("a"))
    registry.fail_with(403, body=b'{"errors": [{"code": "DENIED", "message": "no"}]}')
    (listing,) = scan.listings(["team/app"])
    assert "403" in listing.problem
    assert listing.tags == {}


def test_stopped_in_the_middle_of_a_slow_pace(make_context, registry):
    """Whoever stops reading does not wait until everything that was begun had its turn, nor is it asked for."""
    push_tags(registry, "team/app", 50, image("a"))
    began = time.monotonic()
    with scan_of(make_context(sweep_rate=2), MAIN) as scan:
        (listing,) = scan.listings(["team/app"])
        next(scan.observations(listing))
    assert time.monotonic() - began < 3
    assert len(registry.requests) < 6
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scan")]


def test_blobs(scan, registry):
    """A survey tells which layers are there."""
    registry.blobs = {Digest.of(blob("a", "config"))}
    assert scan.has_blob("team/app", Digest.of(blob("a", "config")))
    assert not scan.has_blob("team/app", digest(1))


def test_batches():
    """Looks come together, no more than were begun ahead; the last ones do not wait."""
    some = [
        Observation(name_of(f"team/app:{number}"), TagState(), None, Time.now())
        for number in range(2 * LOOKS_AHEAD + 5)
    ]
    assert [len(each) for each in batches(some, lambda: 0)] == [LOOKS_AHEAD, LOOKS_AHEAD, 5]
    assert list(batches([], lambda: 0)) == []
