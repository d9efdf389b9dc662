from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from enforcer.errors import InvalidPattern, NotFound
from enforcer.names import Namespace, RegistryName, Repository, Tag
from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Against, Mode
from enforcer.policies.policy_set import Former, PolicySet
from enforcer.policies.unlock import Unlock
from enforcer.times import Time
from tests.fakes import policies as fakes
from tests.fakes.events import MAIN
from tests.fakes.policies import SINCE

APP = Repository("team/app/web")
TAG = Tag("1.0")
SIGNATURE = Tag("sha256-" + "0" * 64 + ".sig")


def policy(id=1, tags="**", **changes):  # noqa: A002 - as the policy calls it
    return fakes.policy(id, tags, **{"namespace": Namespace("team"), **changes})


def protection(*policies, repository=APP, tag=TAG, time=SINCE, actor="", registry=MAIN, unlocks=(), asking=(MAIN,)):
    return PolicySet(policies, unlocks=unlocks, asking=asking).protection(registry, repository, tag, time, actor)


def test_protection_of_one_policy():
    """A policy says what its tags are protected against, and how."""
    found = protection(policy(id=7, protect=frozenset({Against.DELETE}), mode=Mode.OBSERVE, settle=5))

    assert found.as_dict() == {"overwrite": False, "delete": True, "enforce": False, "settle": 5, "policies": (7,)}


def test_protection_of_several_policies():
    """Any policy that matches is enough for each kind of protection; the longest settling counts."""
    found = protection(
        policy(id=3, protect=frozenset({Against.DELETE}), mode=Mode.OBSERVE, settle=200),
        policy(id=1, protect=frozenset({Against.OVERWRITE}), settle=10),
        policy(id=2, tags="2.*", settle=500),
    )

    assert found.as_dict() == {"overwrite": True, "delete": True, "enforce": True, "settle": 200, "policies": (1, 3)}


@pytest.mark.parametrize(
    "place",
    [
        {"registry": RegistryName("mirror")},
        {"repository": Repository("other/app/web")},
        {"repository": Repository("web")},
        {"tag": SIGNATURE},
        {"time": SINCE.plus(-1)},
    ],
)
def test_no_protection(place):
    """Nothing protects a tag of another registry, namespace or time."""
    assert protection(policy()) is not None
    assert protection(policy(), **place) is None


def test_bypassed():
    """A policy says nothing to those who may bypass it, and is named; the others say what they say."""
    lax = policy(id=3, bypass_actors=frozenset({"root"}), settle=200)
    strict = policy(id=7, protect=frozenset({Against.DELETE}), mode=Mode.OBSERVE, settle=5)

    alone, beside = protection(lax, actor="root"), protection(lax, strict, actor="root")

    assert (alone.overwrite, alone.delete, alone.enforce, alone.policies, alone.bypassed) == (False,) * 3 + ((), (3,))
    assert (beside.overwrite, beside.delete, beside.enforce, beside.settle) == (False, True, False, 5)
    assert (beside.policies, beside.bypassed) == ((7,), (3,))
    assert protection(lax, actor="ci").bypassed == protection(lax).bypassed == ()


@pytest.mark.parametrize("asking", [(), ("other",)])
def test_no_bypass_without_credentials(asking):
    """Where the registry asks for no credentials, a client may claim any name: none lets it pass."""
    found = protection(policy(id=3, bypass_actors=frozenset({"root"})), actor="root", asking=asking)
    assert (found.overwrite, found.delete, found.policies, found.bypassed) == (True, True, (3,), ())


def test_repositories_without_a_namespace():
    """Repositories without a slash have the namespace `_`."""
    assert protection(policy(namespace=Namespace("_")), repository=Repository("web")) is not None


@pytest.mark.parametrize(("seconds", "unlocked"), [(-1, False), (0, True), (59, True), (60, False)])
def test_unlock(seconds, unlocked):
    """While a tag is unlocked, no policy protects it, and before and after that all do."""
    unlock = Unlock(
        id=1,
        registry=MAIN,
        repositories=Pattern.parse("team/**"),
        tags=Pattern.parse("1.*"),
        begins=SINCE.plus(1),
        ends=SINCE.plus(61),
        by="ops",
        reason="repair",
    )
    for change, expected in [({}, unlocked), ({"registry": "mirror"}, False), ({"tags": Pattern.parse("2")}, False)]:
        given = [replace(unlock, **change)]
        assert (protection(policy(), time=SINCE.plus(1 + seconds), unlocks=given) is None) is expected


def test_set_is_in_order_of_ids():
    """However policies are stored, they are listed by id, and found by it."""
    policies = [policy(id=number, namespace=Namespace(f"n{number % 2}")) for number in (3, 10, 1, 2)]
    found = PolicySet(policies, version=5)

    assert [each.id for each in found] == [1, 2, 3, 10]
    assert [each.id for each in found.of_namespace("main", "n0")] == [2, 10]
    assert found.of_namespace("main", "n2") == ()
    assert (found.get(10), found.version) == (policies[1], 5)
    with pytest.raises(NotFound, match="there is no policy 4"):
        found.get(4)


def test_other_namespaces_cost_nothing():
    """A policy that cannot be read any more troubles its own namespace, each time, and no other."""
    broken = policy(id=2, namespace=Namespace("broken")).as_dict() | {"tags": {"decoration": "", "pattern": "{"}}
    policies = PolicySet([policy().as_dict(), broken])

    assert policies.protection(MAIN, APP, TAG, SINCE) is not None
    for _ in range(2):
        with pytest.raises(InvalidPattern):
            policies.protection(MAIN, Repository("broken/app"), TAG, SINCE)


class ReadTogether(dict):
    """A stored policy that two threads begin to read before either goes on."""

    def __init__(self, *fields):
        super().__init__(*fields)
        self.both = threading.Barrier(2, timeout=5)

    def __getitem__(self, name):
        if name == "repositories":
            self.both.wait()
        return super().__getitem__(name)


def test_threads_read_the_same():
    """Two requests that are the first to ask for a namespace both get its policies, while each still reads them."""
    policies = PolicySet([ReadTogether(policy().as_dict())])
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: policies.of_namespace("main", "team"), range(2)))
    assert [[one.id for one in each] for each in found] == [[1], [1]]


class TestFormer:
    """What a policy was when something happened judges it, not what it became since."""

    LATER, LATEST = SINCE.plus(60), SINCE.plus(120)

    def protects(self, seconds, *current, former):
        found = PolicySet(current, former=[Former(*one).as_dict() for one in former])
        return found.protection(MAIN, APP, TAG, SINCE.plus(seconds))

    def test_changed(self):
        """Each revision counts from its own change until the next."""
        revisions = [policy(), policy(settle=10), policy(settle=20, tags="1.*", effective_since=self.LATEST)]
        former = [(revisions[1], self.LATEST), (revisions[0], self.LATER)]
        found = [self.protects(at, revisions[2], former=former) for at in (-1, 0, 59, 60, 119, 120, 500)]
        assert [each and each.settle for each in found] == [None, 0, 0, 10, 10, 20, 20]

    def test_deleted(self):
        """A policy that was deleted protected until then."""
        assert self.protects(59, former=[(policy(), self.LATER)])
        assert self.protects(60, former=[(policy(), self.LATER)]) is None

    def test_disabled(self):
        """So did one that was switched off, and while it was off it did not."""
        former = [(policy(), self.LATER), (policy(disabled=True), self.LATEST)]
        found = [self.protects(at, policy(effective_since=self.LATEST), former=former) for at in (59, 60, 119, 120)]
        assert [bool(each) for each in found] == [True, False, False, True]

    def test_others(self):
        """Others of the namespace, and those of other namespaces, are as they are now."""
        former = [(policy(id=2), self.LATER), (policy(id=3, namespace=Namespace("other")), self.LATER)]
        found = self.protects(0, policy(), former=former)
        assert found is not None
        assert found.policies == (1, 2)


class TestProtectedSince:
    """When the protection began that lasts until now."""

    def since(self, *policies, unlocks=(), former=()):
        found = PolicySet(policies, unlocks=unlocks, former=former)
        return found.protected_since(MAIN, APP, TAG, SINCE.plus(600))

    def test_never(self):
        """What is not protected now has no such time."""
        assert self.since(policy(tags="2.*")) is None
        assert self.since(policy(disabled=True)) is None

    def test_policy(self):
        """The first policy that selects the tag; a second one adds nothing."""
        assert self.since(policy(), policy(id=2, effective_since=SINCE.plus(60))) == SINCE

    def test_selects_others_too(self):
        """A policy that selects more from then on protects what it selected before without a break."""
        now = policy(effective_since=SINCE.plus(60))
        former = [Former(policy(tags="1.*"), SINCE.plus(60)).as_dict()]
        assert self.since(now, former=former) == SINCE
        former = [Former(policy(tags="2.*"), SINCE.plus(60)).as_dict()]
        assert self.since(now, former=former) == SINCE.plus(60)

    def test_unlock(self):
        """The end of the last unlock of the tag; one that is in force leaves it without protection."""
        ended = [unlocked(SINCE.plus(60)), unlocked(SINCE.plus(120)), unlocked(SINCE.plus(180), tags="2.*")]
        assert self.since(policy(), unlocks=ended) == SINCE.plus(120)
        assert self.since(policy(), unlocks=[*ended, unlocked(SINCE.plus(900))]) is None


def unlocked(ends, tags="1.*"):
    wanted = Unlock.parse(MAIN, f"team/**:{tags}", seconds=60, now=Time.now(), by="ops", reason="repair")
    return replace(wanted, begins=SINCE, ends=ends)
