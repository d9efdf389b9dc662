from __future__ import annotations

import random

import pytest

from enforcer.judgement.record import Record, TagState
from enforcer.manifests import OCI_MANIFEST, Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.store.kept_manifests import BESIDES, REGISTRIES
from enforcer.store.ledger import Change, Ledger
from enforcer.times import Time
from tests.fakes.events import APP, MAIN

OTHER = Repository("team/other")
THIRD = Repository("team/third")
NOISE = 1000


@pytest.fixture
def ledger(redis) -> Ledger:
    """A ledger with room for ten manifests of a registry."""
    return Ledger(redis, kept_bytes=10 * size(manifest(0)))


def manifest(number: int) -> Manifest:
    """A manifest that no compression makes small."""
    content = random.Random(number).randbytes(NOISE)
    return Manifest.checked(content, OCI_MANIFEST, Digest.of(content))


def size(one: Manifest) -> int:
    return len(one.packed()) + BESIDES


def fill(ledger: Ledger, repository: Repository, numbers: range) -> list[bool]:
    """Keep manifests; returns which of them are."""
    return [ledger.keep(MAIN, repository, manifest(number)).is_kept for number in numbers]


def record(ledger: Ledger, tag: str, digest: Digest, version: int = 0) -> None:
    """Make a manifest the record of a tag."""
    state = TagState(Record(digest=digest, time=Time.now()), version=version + 1)
    assert not ledger.write([Change(TagName(MAIN, APP, Tag(tag)), version, state, ())])


def test_what_is_kept_is_counted(ledger):
    """Each manifest counts once, however often it is kept."""
    keepings = [ledger.keep(MAIN, APP, manifest(number)) for number in (0, 1, 1)]
    assert [keeping.used for keeping in keepings] == [size(manifest(0)), ledger.used(MAIN), ledger.used(MAIN)]
    assert ledger.used(MAIN) == size(manifest(0)) + size(manifest(1))
    assert ledger.used(RegistryName("other")) == 0


def test_the_budget_ends_what_is_kept(ledger):
    """However many manifests a repository gets, no more bytes are kept than the budget has."""
    assert fill(ledger, APP, range(30)) == [True] * 10 + [False] * 20
    assert ledger.used(MAIN) <= ledger.kept_bytes
    refused = ledger.keep(MAIN, APP, manifest(30))
    assert (refused.is_kept, refused.used, refused.largest) == (False, ledger.used(MAIN), APP)


def test_what_is_kept_already_stays(ledger):
    """No kept manifest makes room for another one."""
    fill(ledger, APP, range(30))
    assert [ledger.keeps(MAIN, APP, manifest(number).digest) for number in range(10)] == [True] * 10
    assert ledger.keep(MAIN, APP, manifest(0)).is_kept


def test_a_smaller_repository_is_not_shut_out(ledger):
    """The flood of one repository does not keep another one's manifests from being kept."""
    fill(ledger, APP, range(30))
    assert fill(ledger, OTHER, range(2)) == [True, True]
    assert not ledger.keep(MAIN, APP, manifest(30)).is_kept


def test_many_small_repositories_have_an_end_too(ledger):
    """What goes beyond the budget is a quarter of it at most, in whatever number of repositories."""
    fill(ledger, APP, range(30))
    kept = [fill(ledger, Repository(f"team/flood-{number}"), range(1)) for number in range(30)]
    assert kept == [[True]] * 2 + [[False]] * 28
    assert ledger.used(MAIN) <= 1.25 * ledger.kept_bytes


def test_registries_have_budgets_of_their_own(ledger):
    """The flood of one registry costs the others nothing."""
    fill(ledger, APP, range(30))
    assert ledger.keep(RegistryName("other"), APP, manifest(0)).is_kept


def test_what_no_record_needs_goes_with_the_second_look(ledger):
    """The manifest of a record stays; another goes, but not before it was found unneeded twice."""
    fill(ledger, APP, range(2))
    record(ledger, "1.0", manifest(0).digest)
    ledger.release_unneeded(MAIN, APP)
    assert ledger.keeps(MAIN, APP, manifest(1).digest)
    used = ledger.release_unneeded(MAIN, APP)
    assert ledger.keeps(MAIN, APP, manifest(0).digest)
    assert not ledger.keeps(MAIN, APP, manifest(1).digest)
    assert used == ledger.used(MAIN) == size(manifest(0))


def test_what_a_record_came_to_need_meanwhile_stays(ledger, monkeypatch):
    """A record that is written between the look and the removal keeps its manifest."""
    fill(ledger, APP, range(1))
    ledger.release_unneeded(MAIN, APP)
    monkeypatch.setattr(ledger, "tags", lambda *_: {})  # the look came before the record
    record(ledger, "1.0", manifest(0).digest)
    ledger.release_unneeded(MAIN, APP)
    assert ledger.keeps(MAIN, APP, manifest(0).digest)


def test_room_is_used_again(ledger):
    """Once a repository's manifests are needed no more, new ones are kept."""
    fill(ledger, APP, range(30))
    for _ in range(2):
        ledger.release_unneeded(MAIN, APP)
    assert ledger.used(MAIN) == 0
    assert fill(ledger, APP, range(30, 35)) == [True] * 5


def test_what_was_kept_before_it_was_counted(ledger, redis):
    """The manifests of an earlier version are counted with the first sweep."""
    fill(ledger, APP, range(3))
    used = ledger.used(MAIN)
    for key in redis.scan_iter("te:kept:*"):
        redis.delete(key)
    for number in range(3):
        record(ledger, f"{number}", manifest(number).digest)
    assert ledger.release_unneeded(MAIN, APP) == used
    assert redis.hget(REGISTRIES, MAIN) == str(used).encode()
