from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.errors import PolicyConflict
from enforcer.policies.difference import Difference, Rights, check_declared, check_room, compare, succeed
from enforcer.times import Time
from tests.fakes.policies import SINCE, policy, selector

NOW = Time.now()
ALL = Rights(own=lambda _: True, repurpose=True, remove=True)
CAREFUL = Rights(own=lambda _: True, repurpose=False, remove=False)


def test_what_is_as_declared_is_left_alone():
    """A policy that is already as declared is no change: it stays in force since when it was."""
    assert compare([policy(1)], [policy()], ALL, next_id=2, now=NOW) == Difference()


def test_equal_selectors_make_it_the_same_policy():
    """The stored policy with the declared selectors is changed, whatever else is stored, and keeps its id and time."""
    stored = [policy(1, "r*"), policy(2, "v*")]
    found = compare(stored, [policy(tags="v*", comment="why")], CAREFUL, next_id=3, now=NOW)
    ((before, after),) = found.changed
    assert (before, after) == (stored[1], replace(stored[1], comment="why", revision=2))
    assert (found.created, found.removed) == ((), ())


def test_another_policy_is_created():
    """What is stored nowhere is created, with the next ids, in the order of the declaration."""
    found = compare([policy(1)], [policy(tags="a*"), policy(tags="b*")], CAREFUL, next_id=7, now=NOW)
    assert [(one.id, one.tags.pattern.text) for one in found.created] == [(7, "a*"), (8, "b*")]
    assert found.removed == ()


def test_a_policy_takes_the_place_of_another():
    """Where it may, a declared policy becomes the next one of its namespace, and is in force anew."""
    found = compare([policy(1, "r*"), policy(2, "s*")], [policy(tags="v*")], ALL, next_id=3, now=NOW)
    ((before, after),) = found.changed
    assert (before.id, after.id, after.tags, after.revision) == (1, 1, selector("matches", "v*"), 2)
    assert after.effective_since > SINCE
    assert [one.id for one in found.removed] == [2]


def test_another_namespace_is_another_place():
    """A policy of another namespace is never turned into a declared one."""
    found = compare([policy(1, namespace="ops")], [policy()], replace(ALL, remove=False), next_id=2, now=NOW)
    assert (len(found.created), found.changed) == (1, ())


def test_what_is_not_ones_own_stays():
    """A stored policy that may not be touched is neither repurposed nor removed, but declared again it is changed."""
    rights = replace(ALL, own=lambda one: one.origin == "settings")
    mine, theirs = policy(1, "a*", origin="settings"), policy(2, "b*")
    found = compare([mine, theirs], [policy(tags="c*", origin="settings")], rights, next_id=3, now=NOW)
    assert [before for before, _ in found.changed] == [mine]
    assert compare([theirs], [policy(tags="c*")], rights, next_id=3, now=NOW).removed == ()
    ((before, after),) = compare([theirs], [policy(tags="b*", origin="settings")], rights, next_id=3, now=NOW).changed
    assert (before, after.origin, after.id) == (theirs, "settings", 2)


def test_a_declaration_without_origin_keeps_it():
    """Who declares a policy of the configuration in another file does not take it over."""
    ((_, after),) = compare(
        [policy(1, origin="settings")], [policy(comment="why")], CAREFUL, next_id=2, now=NOW
    ).changed
    assert after.origin == "settings"


def test_what_cannot_be_declared_is_kept():
    """What only clients of the vendors' APIs see does not change, and is no difference."""
    stored = policy(1, tags="v*")
    stored = replace(stored, tags=replace(stored.tags, decoration="repoMatches", extras="x"), template="")
    assert compare([stored], [policy()], ALL, next_id=2, now=NOW) == Difference()
    ((_, after),) = compare([stored], [policy(tags="r*")], ALL, next_id=2, now=NOW).changed
    assert (after.tags, after.template) == (selector("matches", "r*"), "")


@pytest.mark.parametrize(
    ("before", "change", "begins"),
    [
        ({}, {"comment": "why"}, False),
        ({}, {"mode": "observe"}, False),
        ({}, {"disabled": True}, False),
        ({"disabled": True}, {"disabled": False}, True),
        ({}, {"tags": selector("matches", "r*")}, True),
        ({}, {"repositories": selector("repoExcludes", "**")}, True),
    ],
)
def test_when_a_policy_is_in_force_anew(before, change, begins):
    """Switching on and other selectors begin a new time in force; nothing else does."""
    old = policy(3, **before)
    new = succeed(old, replace(old, **change), NOW)
    assert new.effective_since == (NOW if begins else old.effective_since)
    assert new.revision == 2


def test_a_policy_stays_where_it_is():
    """Neither id nor registry nor namespace can change, and no change at all is no revision."""
    old = policy(3)
    assert succeed(old, replace(old, id=9, namespace="ops", registry="other"), NOW) == old


def test_equal_declarations_are_refused():
    """Two declared policies with the same selectors are a mistake, however the decorations are spelled."""
    other = policy(tags="v*", comment="other")
    with pytest.raises(PolicyConflict, match="2 policies of main/team are declared with the same selectors"):
        check_declared([policy(), replace(other, tags=selector("repoMatches", "v*"))])
    check_declared([policy(), policy(tags="r*"), policy(namespace="ops")])


def test_room_is_what_is_left_after_the_change():
    """A namespace may have so many policies, counted with those that go and those that come."""
    stored = [policy(1, "a*"), policy(2, "b*")]
    create = Difference(created=(policy(3, "c*"),))
    with pytest.raises(PolicyConflict, match="main/team would have 3 policies, of at most 2"):
        check_room(stored, create, 2)
    check_room(stored, create, 3)
    check_room(stored, replace(create, removed=(stored[0],)), 2)


def test_too_many_elsewhere_do_not_matter():
    """A namespace that has too many already refuses no change that adds none to it."""
    stored = [policy(1, "a*"), policy(2, "b*")]
    check_room(stored, Difference(changed=((stored[0], stored[0]),), created=(policy(3, namespace="ops"),)), 1)
