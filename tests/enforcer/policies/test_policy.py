from __future__ import annotations

import json

import pytest

from enforcer.errors import InvalidPattern
from enforcer.names import Namespace, RegistryName, Repository, Tag
from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.policies.policy_set import PolicySet
from enforcer.times import Time

MAIN = RegistryName("main")
APP = Repository("team/app/web")
TAG = Tag("1.0")
SINCE = Time("2026-11-22T04:00:00Z")
SIGNATURE = Tag("sha256-" + "0" * 64 + ".sig")


def selector(pattern="**", decoration="matches"):
    return Selector.from_dict({"decoration": decoration, "pattern": pattern})


def policy(**changes):
    fields = {"id": 1, "registry": MAIN, "namespace": Namespace("team"), "effective_since": SINCE}
    return Policy(**fields | {"repositories": selector(decoration="repoMatches"), "tags": selector()} | changes)


def protection(*policies, repository=APP, tag=TAG, time=SINCE, actor="", registry=MAIN, unlocks=()):
    return PolicySet(policies, unlocks=unlocks).protection(registry, repository, tag, time, actor)


@pytest.mark.parametrize(
    ("decoration", "pattern", "selected"),
    [
        ("matches", "1.*", True),
        ("matches", "2.*", False),
        ("excludes", "1.*", False),
        ("excludes", "2.*", True),
        ("repoMatches", "1.*", True),
        ("repoExcludes", "1.*", False),
        ("matches", "{latest,1.*}", True),
    ],
)
def test_selector(decoration, pattern, selected):
    """A selector means what its pattern matches, or what it does not; vendors spell the decoration in two ways."""
    assert selector(pattern, decoration).selects("1.0") is selected


def test_selector_round_trip():
    """A selector's JSON holds it as it was sent."""
    for fields in ({"decoration": "matches", "pattern": "{a, b}"}, {"decoration": "", "pattern": "a", "extras": "{}"}):
        assert Selector.from_dict(fields).as_dict() == fields
    with pytest.raises(InvalidPattern):
        selector("{a")


@pytest.mark.parametrize(
    ("pattern", "repository", "selected"),
    [
        ("app/web", "team/app/web", True),
        ("app/*", "team/app/web", True),
        ("**", "team/app/web", True),
        ("*", "team/app/web", False),
        ("team/**", "team/app/web", False),
        ("team/app/web", "team/app/web", False),
        ("team/**", "team/team/web", True),
        ("app", "app", True),
    ],
)
def test_repository_is_compared_without_its_namespace(pattern, repository, selected):
    """The namespace is the policy's own field: patterns see what comes after it."""
    wanted = policy(repositories=selector(pattern, "repoMatches"))

    assert wanted.selects(Repository(repository), TAG) is selected


def test_both_selectors_must_select():
    """A tag is meant where its repository is meant and the tag itself."""
    wanted = policy(repositories=selector("app/**"), tags=selector("latest", "excludes"))

    assert wanted.selects(APP, TAG)
    assert not wanted.selects(APP, Tag("latest"))
    assert not wanted.selects(Repository("team/tools/web"), TAG)


@pytest.mark.parametrize("tag", [SIGNATURE, Tag("sha256-" + "f" * 64)])
def test_signature_tags(tag):
    """Tags that tools rewrite by design are protected only where the policy says so."""
    assert not policy().selects(APP, tag)
    assert policy(signature_tags=True).selects(APP, tag)
    assert not policy(signature_tags=True, tags=selector("1.*")).selects(APP, tag)


@pytest.mark.parametrize(("seconds", "in_force"), [(-0.000000001, False), (0, True), (10**6, True)])
def test_effective_since(seconds, in_force):
    """What happened before a policy was in force is not judged by it."""
    assert policy().is_in_force(SINCE.plus(seconds)) is in_force


def test_disabled():
    """A policy that is switched off is not in force."""
    assert not policy(disabled=True).is_in_force(SINCE)


@pytest.mark.parametrize(
    ("actor", "bypasses"),
    [("root", True), ("ROOT", False), ("root2", False), ("root\ufffd", False), ("ci", False), ("", False)],
)
def test_bypass_actors(actor, bypasses):
    """Those who may bypass a policy are not bound by it; who gives no name is, and one whose name cannot be shown."""
    assert policy(bypass_actors=frozenset({"root", "admin", "", "root\ufffd"})).is_bypassed_by(actor) is bypasses


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"disabled": True, "priority": -3, "mode": Mode.OBSERVE, "settle": 0, "comment": "why", "origin": "settings"},
        {"protect": frozenset({Against.DELETE}), "bypass_actors": frozenset({"b", "a"}), "signature_tags": True},
        {"action": "", "template": "", "revision": 7, "namespace": Namespace("_")},
        {"repositories": Selector("repoExcludes", Pattern.parse("a{b,c}"), "{}")},
    ],
)
def test_round_trip(changes):
    """Whatever a policy holds, its JSON is read as the same policy."""
    original = policy(**changes)

    assert Policy.from_dict(json.loads(json.dumps(original.as_dict()))) == original


def test_keys_of_a_later_release_are_ignored():
    """A policy is read that has keys which this release does not know."""
    assert Policy.from_dict(policy().as_dict() | {"later": [1]}) == policy()


def test_scope():
    """What a policy selects is compared by what it means, however that is spelled."""
    spelled = policy(tags=Selector("repoMatches", Pattern.parse("**"), "{}"), settle=5, comment="x", id=9)

    assert spelled.scope == policy().scope
    for changes in ({"tags": selector("1.*")}, {"tags": selector(decoration="excludes")}, {"registry": "x"}):
        assert policy(**changes).scope != policy().scope
