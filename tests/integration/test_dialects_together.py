"""One store behind all dialects: what is done in one is seen in the others, and is in force with the next event."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import redis as redis_client

from enforcer.judgement.record import Decision
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.store.ledger import Ledger
from tests.integration.dialects import ACCOUNTS, DIALECTS, Refused, Rule, Swr, Tcr
from tests.integration.installation import installation, wait_for
from tests.integration.servers import push_image, start_redis
from tests.integration.serving import start_receiver

pytestmark = pytest.mark.integration

LATEST = Rule("team", ("repoMatches", "**"), ("excludes", "latest"))
VERSIONS = Rule("team", ("repoExcludes", "{test-*, scratch/**}"), ("matches", "v*"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The application alone."""
    directory = tmp_path_factory.mktemp("dialects")
    redis = start_redis(directory / "redis", appendonly=False)
    receiver = start_receiver(directory, redis.url, ACCOUNTS)
    yield receiver
    receiver.stop()
    redis.stop()


@pytest.fixture
def dialects(served):
    """A client for each dialect; no policy is left behind."""
    clients = [dialect(served.url) for dialect in DIALECTS]
    yield clients
    for rule in clients[0].rules("team"):
        clients[0].delete(rule)
    for client in clients:
        client.session.close()


def seen_by_all(clients, *expected):
    """The rules of the namespace that every dialect shows, which are the same whoever is asked."""
    shown = [client.rules("team") for client in clients]
    assert all(rules == shown[0] for rules in shown)
    assert [replace(rule, id=0) for rule in shown[0]] == list(expected)
    return shown[0]


@pytest.mark.parametrize(
    ("one", "other"),
    list(itertools.permutations(range(len(DIALECTS)), 2)),
    ids=lambda place: DIALECTS[place].__name__.lower(),
)
def test_made_in_one_changed_and_deleted_in_another(dialects, one, other):
    """All show the same after each step, with the id that the policy got when it was made."""
    first, second = dialects[one], dialects[other]
    first.create(LATEST)
    (made,) = seen_by_all(dialects, LATEST)
    second.change(replace(VERSIONS, id=made.id))
    (changed,) = seen_by_all(dialects, VERSIONS)
    assert changed.id == made.id
    second.change(replace(changed, disabled=True))
    seen_by_all(dialects, replace(VERSIONS, disabled=True))
    first.change(replace(changed, disabled=False))
    seen_by_all(dialects, VERSIONS)
    second.delete(changed)
    seen_by_all(dialects)


def test_own_fields_outlive_the_vendors_dialects(dialects):
    """What only the native API knows is kept when a vendor's client replaces the rule."""
    *vendors, native = dialects
    native.create(LATEST)
    (made,) = native.rules("team")
    own = {"mode": "observe", "protect": ["delete"], "settle": 5, "comment": "trial", "bypass_actors": ["ci"]}
    path = f"/api/v1/policies/{made.id}"
    native.send("PATCH", path, 200, own)
    for vendor, rule in zip(vendors, (VERSIONS, LATEST, VERSIONS), strict=True):
        vendor.change(replace(rule, id=made.id))
        shown = native.send("GET", path, 200)
        assert {name: shown[name] for name in own} == own


def test_one_place_for_all(dialects):
    """Of many clients that create the first rule of a namespace at once, in all dialects, exactly one succeeds."""
    start = threading.Barrier(len(dialects) * 3)

    def create(number):
        client = DIALECTS[number % len(DIALECTS)](dialects[0].url)
        start.wait()
        try:
            client.create(replace(LATEST, tags=("matches", f"v{number}")))
        except Refused as refused:
            return "conflict" if refused.is_conflict else str(refused)
        finally:
            client.session.close()
        return "created"

    with ThreadPoolExecutor(start.parties) as pool:
        outcomes = sorted(pool.map(create, range(start.parties)))
    assert outcomes == ["conflict"] * (start.parties - 1) + ["created"]
    assert len(dialects[0].rules("team")) == 1


def test_changes_of_different_fields_at_once(dialects):
    """While one client switches a policy, another's comment is not lost: each change is made on what is stored then."""
    native, tcr = dialects[-1], dialects[DIALECTS.index(Tcr)]
    native.create(LATEST)
    (made,) = native.rules("team")
    path = f"/api/v1/policies/{made.id}"

    def switch():
        for number in range(20):
            tcr.change(replace(made, disabled=number % 2 == 0))

    with ThreadPoolExecutor(1) as pool:
        switching = pool.submit(switch)
        for number in range(20):
            native.send("PATCH", path, 200, {"comment": f"comment {number}"})
            assert native.send("GET", path, 200)["comment"] == f"comment {number}"
        switching.result()
    shown = native.send("GET", path, 200)
    assert (shown["comment"], shown["disabled"], shown["revision"]) == ("comment 19", False, 41)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A whole installation; a policy of the configuration protects `team`, and nothing else."""
    with installation(tmp_path_factory.mktemp("effect"), ACCOUNTS) as whole:
        yield whole


def push(whole, repository, tag, seed):
    """Push, and wait until the event is judged."""
    digest = push_image(whole.registry.url, repository, tag, seed=seed)
    whole.settle()
    return digest


def decisions(whole, repository, tag):
    """What was decided of a tag, event by event, without those that only said what was known."""
    with redis_client.Redis(port=whole.redis.port) as connection:
        name = TagName(RegistryName("main"), Repository(repository), Tag(tag))
        decided = [entry.decision for entry in Ledger(connection).history(name)]
    return [decision for decision in decided if decision is not Decision.UNCHANGED]


@pytest.mark.parametrize("place", range(len(DIALECTS)), ids=lambda place: DIALECTS[place].__name__.lower())
def test_in_force_with_the_next_event(running, place):
    """Made in one dialect, switched off and on in others, deleted in one more: each time the next push tells."""
    turn = [DIALECTS[(place + step) % len(DIALECTS)](running.url) for step in range(len(DIALECTS))]
    namespace = f"space-{place}"
    repository = f"{namespace}/app"

    def rule():
        return next(iter(turn[0].rules(namespace)))

    push(running, repository, "v1", "before there is a policy")
    turn[0].create(Rule(namespace, ("repoMatches", "**"), ("matches", "v*")))
    original, other = (push(running, repository, tag, "original") for tag in ("v2", "v3"))
    push(running, repository, "v2", "overwritten")
    wait_for(lambda: running.digest(repository, "v2") == original, what="the restore")

    turn[1].change(replace(rule(), disabled=True))
    moved = push(running, repository, "v3", "moved while it was off")
    assert moved != other
    assert running.digest(repository, "v3") == moved

    turn[2].change(replace(rule(), disabled=False))
    push(running, repository, "v3", "overwritten")
    wait_for(lambda: running.digest(repository, "v3") == moved, what="the restore after switching on")
    assert decisions(running, repository, "v3").count(Decision.OVERWRITTEN) == 1

    turn[3].change(replace(rule(), tags=("excludes", "v4")))
    push(running, repository, "v4", "first")
    push(running, repository, "v4", "moved while it was excluded")
    assert Decision.MOVED in decisions(running, repository, "v4")
    assert not any(decision.is_violation for decision in decisions(running, repository, "v4"))

    turn[3].delete(rule())
    push(running, repository, "v1", "moved without a policy")
    assert not any(decision.is_violation for decision in decisions(running, repository, "v1"))
    for client in turn:
        assert client.rules(namespace) == []
        client.session.close()


def test_policy_of_the_configuration(running):
    """What the configuration file declares is shown in every dialect, and can be switched off until the next start."""
    clients = [dialect(running.url) for dialect in DIALECTS]
    (declared,) = seen_by_all(clients, LATEST)
    Swr(running.url).change(replace(declared, disabled=True))
    seen_by_all(clients, replace(LATEST, disabled=True))
    Swr(running.url).change(declared)
    seen_by_all(clients, LATEST)
