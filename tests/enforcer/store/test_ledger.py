from __future__ import annotations

import zlib
from dataclasses import replace

import pytest

from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.manifests import OCI_MANIFEST, Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.store.ledger import HISTORY_LIMIT, Change, Ledger
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, deletion, digest, push
from tests.fakes.images import image

START = Time("2026-11-22T04:00:00Z")
RECORD = Record(digest=digest(1), time=START)


@pytest.fixture
def ledger(redis):
    return Ledger(redis)


def named(tag, repository=APP, registry=MAIN):
    return TagName(registry, repository, Tag(tag))


def entry(event_id, seconds=0, pushed=1, name=NAME):
    event = push(event_id, digest(pushed), START.plus(seconds), tag=name.tag)
    here = replace(event, registry=name.registry, repository=name.repository)
    return Entry(here, Decision.MOVED, None, RECORD)


def change(name, judged_version, *entries, record=RECORD):
    last = max((each.event.order for each in entries), default=("", "", ""))
    return Change(name, judged_version, TagState(record, last, judged_version + 1), entries)


def ids(history):
    return [each.event.id for each in history]


def test_nothing_known(ledger):
    """A tag that nothing is known of has no record, no history and version 0."""
    assert ledger.state(NAME) == TagState()
    assert ledger.states([]) == {}
    assert ledger.history(NAME) == ()
    assert ledger.tags(MAIN, APP) == {}
    assert list(ledger.repositories()) == []


def test_written_and_read(ledger):
    """What was written of several tags of several repositories and registries is read again, each by its own name."""
    names = [NAME, named("2.0"), named("1.0", Repository("team/web")), named("1.0", registry=RegistryName("mirror"))]
    changes = [
        change(name, 0, entry(f"e{place}", name=name), record=replace(RECORD, digest=digest(place)))
        for place, name in enumerate(names)
    ]

    assert ledger.write(changes) == set()

    assert ledger.states(names) == {name: wanted.state for name, wanted in zip(names, changes, strict=True)}
    assert ledger.histories(names) == {name: wanted.entries for name, wanted in zip(names, changes, strict=True)}
    assert ledger.tags(MAIN, APP) == {"1.0": changes[0].state, "2.0": changes[1].state}
    assert sorted(ledger.repositories()) == [("main", "team/app"), ("main", "team/web"), ("mirror", "team/app")]


def test_nothing_to_write(ledger):
    """No changes, no conflicts, nothing kept."""
    assert ledger.write([]) == set()
    assert list(ledger.repositories()) == []


def test_no_record(ledger):
    """A tag without a record, as after its removal, still has a standing: where its order ends."""
    ledger.write([change(NAME, 0, entry("e"), record=None)])

    assert ledger.state(NAME) == TagState(None, entry("e").event.order, 1)


def test_conflict(ledger):
    """A decision on a standing that somebody else changed meanwhile is not written; others beside it are."""
    other = named("2.0")
    ledger.write([change(NAME, 0, entry("quicker"))])

    conflicts = ledger.write(
        [change(NAME, 0, entry("slower", 1), record=None), change(other, 0, entry("other", name=other))]
    )

    assert conflicts == {NAME}
    assert (ledger.state(NAME).record, ids(ledger.history(NAME))) == (RECORD, ["quicker"])
    assert ids(ledger.history(other)) == ["other"]


@pytest.mark.parametrize("judged_version", [0, 2, 10, 11, 100])
def test_only_the_very_version(ledger, judged_version):
    """No other version will do, neither an older nor a newer one, nor one that begins with the same digits."""
    assert ledger.write([change(NAME, 0, entry("e"))]) == set()

    assert ledger.write([change(NAME, judged_version, entry("f", 1))]) == {NAME}
    assert ledger.write([change(NAME, 1, entry("g", 2))]) == set()
    assert (ledger.state(NAME).version, ids(ledger.history(NAME))) == (2, ["e", "g"])


def test_many_versions(ledger):
    """Versions are numbers, however many digits they have."""
    for version in range(12):
        assert ledger.write([change(NAME, version)]) == set()
        assert ledger.state(NAME).version == version + 1


def test_history_is_in_order(ledger):
    """The history is read in the order of events: time, then digest, a deletion first, then id."""
    removal = Entry(deletion("deletion", START), Decision.REMOVED, None, None)
    in_order = [
        removal,
        entry("b", pushed=1),
        entry("b!", pushed=1),
        entry("ba", pushed=1),
        entry("a", pushed=2),
        entry("{", pushed=3),
        entry("A", seconds=0.000000001, pushed=1),
        entry("0", seconds=60, pushed=1),
    ]
    ledger.write([change(NAME, 0, *in_order[4:][::-1])])
    ledger.write([change(NAME, 1, *in_order[:4][::-1])])

    assert ledger.history(NAME) == tuple(in_order)
    assert sorted(in_order, key=lambda each: each.event.order) == in_order


@pytest.mark.parametrize("event_id", ["{", '{"a":1}', "a{b}", "|", "~", "-", "x" * 128])
def test_odd_ids(ledger, event_id):
    """An id may hold what also begins the JSON behind it."""
    ledger.write([change(NAME, 0, entry(event_id), entry("other"))])
    again = replace(entry(event_id), decision=Decision.NOTED)

    ledger.write([change(NAME, 1, again)])

    assert sorted(ids(ledger.history(NAME))) == sorted([event_id, "other"])
    assert again in ledger.history(NAME)


def test_judged_anew(ledger):
    """An entry that is judged again takes the place of the old one; those whose ids begin like its own stay."""
    old = [entry("e"), entry("e1"), entry("e{"), entry("d")]
    anew = replace(old[0], decision=Decision.OVERWRITTEN, late=True)
    ledger.write([change(NAME, 0, *old)])

    ledger.write([change(NAME, 1, anew)])

    assert ledger.history(NAME) == (old[3], anew, old[1], old[2])


def test_names_that_begin_alike(ledger):
    """Tags and repositories whose names begin like others keep their histories apart."""
    tags = ["1", "1.0", "1.0.0", "1.0-rc", "1.0_", "1-", "1..", "latest", "Latest"]
    names = [named(tag, repository) for repository in (APP, Repository("team/app2")) for tag in tags]
    changes = [change(name, 0, entry(f"{place}", name=name)) for place, name in enumerate(names)]

    assert Ledger(ledger._redis, history_limit=1).write(changes) == set()

    assert [ids(history) for history in ledger.histories(names).values()] == [[str(place)] for place in range(18)]
    assert sorted(ledger.tags(MAIN, APP)) == sorted(tags)


def test_history_is_bounded(redis):
    """Of each tag the newest entries are kept, as many as the limit says; other tags keep theirs."""
    ledger = Ledger(redis, history_limit=3)
    other = named("1.0.0")
    ledger.write([change(other, 0, entry("other", name=other))])
    for version in range(5):
        ledger.write([change(NAME, version, entry(f"e{version}", version))])

    assert ids(ledger.history(NAME)) == ["e2", "e3", "e4"]
    assert ids(ledger.history(other)) == ["other"]

    ledger.write([change(NAME, 5, entry("older", -60))])
    assert ids(ledger.history(NAME)) == ["e2", "e3", "e4"]

    ledger.write([change(NAME, 6, *(entry(f"f{number}", 10 + number) for number in range(5)))])
    assert ids(ledger.history(NAME)) == ["f2", "f3", "f4"]


def test_tags_of_a_digest(redis):
    """Tags are found by each digest that their history tells they needed, and no longer when it tells that no more."""
    ledger = Ledger(redis, history_limit=3)

    def recorded(number, children=()):
        return replace(RECORD, digest=digest(number), children=children)

    for version in range(1, 6):
        made = replace(entry(f"e{version}", version), record=recorded(version, (digest(10 + version),)))
        ledger.write([change(NAME, version - 1, made, record=recorded(1 if version == 5 else version))])

    found = {number: ledger.tags_of(NAME.place, digest(number)) for number in (1, 2, 3, 4, 5, 12, 13)}
    assert {number for number, names in found.items() if names == [NAME]} == {1, 3, 4, 5, 13}
    assert {number for number, names in found.items() if names == []} == {2, 12}


def test_history_is_bounded_whatever_the_ids(redis):
    """An id with braces is an id like any other, also when its entry goes."""
    ledger = Ledger(redis, history_limit=2)
    for version in range(5):
        assert ledger.write([change(NAME, version, entry(f"{{{version}}}", version))]) == set()
    assert ids(ledger.history(NAME)) == ["{3}", "{4}"]


@pytest.mark.parametrize("at_once", [True, False])
def test_the_records_own_entry_stays(redis, at_once):
    """However many entries follow, the one of the push that made the record is still there, and counts as one."""
    ledger = Ledger(redis, history_limit=3)
    record = replace(RECORD, event="e1")
    entries = [entry(f"e{number}", number) for number in range(8)]
    for batch in [entries] if at_once else [[each] for each in entries]:
        version = ledger.state(NAME).version
        assert ledger.write([change(NAME, version, *batch, record=record)]) == set()
    assert ids(ledger.history(NAME)) == ["e1", "e6", "e7"]


def test_another_record_lets_the_first_entry_go(redis):
    """Only the present record has a claim to its entry."""
    ledger = Ledger(redis, history_limit=2)
    ledger.write([change(NAME, 0, entry("e0", 0), record=replace(RECORD, event="e0"))])
    ledger.write([change(NAME, 1, entry("e1", 1), entry("e2", 2), record=replace(RECORD, event="e2"))])
    assert ids(ledger.history(NAME)) == ["e1", "e2"]


def test_default_bound(ledger):
    """Unless told otherwise, a hundred entries are kept."""
    ledger.write([change(NAME, 0, *(entry(f"e{number}", number) for number in range(120)))])

    assert HISTORY_LIMIT == 100
    assert ids(ledger.history(NAME)) == [f"e{number}" for number in range(20, 120)]


def test_much_smaller_bound(redis):
    """Lowering the limit from its largest value stops nothing: the surplus goes write by write."""
    history = f"te:{{{MAIN}/{APP}}}:history"
    redis.zadd(history, {f'1.0 {place:06} - e {{"event":{{"id":"e"}}}}': 0 for place in range(10_000)})
    ledger = Ledger(redis, history_limit=100)

    left = []
    for version in range(11):
        assert ledger.write([change(NAME, version)]) == set()
        left.append(redis.zcard(history))

    assert left[:2] == [9000, 8000]
    assert left[-2:] == [100, 100]
    assert redis.zrange(history, 0, 0) == [b'1.0 009900 - e {"event":{"id":"e"}}']


def test_kept_manifest(ledger):
    """A kept manifest is found by its digest in its repository alone, byte for byte."""
    content = image("a")
    manifest = Manifest(Digest.of(content), OCI_MANIFEST, content)
    ledger.keep(MAIN, APP, manifest)

    assert ledger.kept(MAIN, APP, manifest.digest) == manifest
    assert ledger.keeps(MAIN, APP, manifest.digest)
    for registry, repository, other in [
        (MAIN, APP, digest(1)),
        (MAIN, Repository("team/web"), manifest.digest),
        (RegistryName("mirror"), APP, manifest.digest),
    ]:
        assert ledger.kept(registry, repository, other) is None
        assert not ledger.keeps(registry, repository, other)


@pytest.mark.parametrize(
    "spoiled",
    [
        b"",
        b"type\n",
        b"type\nnot compressed",
        b"type\n" + zlib.compress(b"other bytes"),
        b"type\n" + zlib.compress(image("a"))[:-4],
        b"no type" + zlib.compress(image("a")),
    ],
    ids=["empty", "no content", "no compression", "another manifest", "cut off", "no media type"],
)
def test_spoiled_manifest(ledger, redis, spoiled):
    """Bytes that are not the manifest any more are never given out: the error says so."""
    wanted = Digest.of(image("a"))
    redis.hset(f"te:{{{MAIN}/{APP}}}:manifests", wanted, spoiled)

    with pytest.raises(ValueError, match="the kept manifest"):
        ledger.kept(MAIN, APP, wanted)
