"""The things that decisions ask for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from enforcer.judgement.effects import (
    ViolationChanges,
    approved_digests,
    manifests_to_keep,
    overtaken,
    tags_to_restore,
    violations_among,
)
from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.judgement.tag_decision import TagDecision
from enforcer.judgement.violation import State, violation_id
from enforcer.names import Tag
from enforcer.policies.policy import Protection
from enforcer.policies.policy_set import PolicySet
from enforcer.times import Time
from tests.fakes.events import NAME, digest, push
from tests.fakes.policies import policy
from tests.fakes.violations import violation

NOW = Time("2026-11-22T04:00:00Z")
A, B = digest(1), digest(2)
PROTECTED = Protection(overwrite=True, delete=True, enforce=True, settle=0, policies=(1,))
RECORD = Record(digest=A, time=NOW)
NO_POLICIES = PolicySet([])


def decided(decision, pushed=B, record=RECORD, protection=PROTECTED, *, rejudged=False):
    """One decision of the tag."""
    entry = Entry(push("e", pushed, NOW), decision, protection, record)
    made = TagDecision(1, TagState(record, entry.event.order, 2), {entry.event.order: entry})
    if rejudged:
        made.rejudged.add(entry.event.order)
    return [(NAME, made)]


@pytest.mark.parametrize(
    ("decision", "pushed", "kept"),
    [
        (Decision.RECORDED, A, True),
        (Decision.APPROVED, A, True),
        (Decision.UNCHANGED, A, False),
        (Decision.OVERWRITTEN, B, False),
    ],
)
def test_a_new_original_is_kept(decision, pushed, kept):
    """The manifest is kept that a protected tag begins to be recorded with, and no other."""
    asked = manifests_to_keep(decided(decision, pushed), NO_POLICIES)

    assert asked == ({(NAME, A)} if kept else set())


@pytest.mark.parametrize(("tags", "kept"), [("1.*", True), ("v*", False)])
def test_a_bypassed_push_is_kept_where_others_are_refused(tags, kept):
    """A push that no policy bound is kept where the tag is protected against all other clients."""
    asked = manifests_to_keep(decided(Decision.MOVED, A, protection=None), PolicySet([policy(tags=tags)]))

    assert bool(asked) is kept


@pytest.mark.parametrize("decision", list(Decision))
def test_parts_and_approvals_are_restored(decision):
    """They are no violations, and yet the registry may hold something else than the record."""
    assert bool(tags_to_restore(decided(decision))) is (decision in (Decision.PART, Decision.APPROVED))


def test_an_approval_names_its_digest():
    """The violations end that pushed an approved digest."""
    assert approved_digests(decided(Decision.APPROVED)[0][1]) == [B]
    assert approved_digests(decided(Decision.OVERWRITTEN)[0][1]) == []


def test_a_violation_among_the_decisions():
    """A decision that is a violation is found under the id of its event."""
    (found,) = violations_among(decided(Decision.OVERWRITTEN)).items()

    assert found[0] == violation_id(push("e", B, NOW))
    assert (found[1].recorded, found[1].pushed, found[1].state) == (A, B, State.OPEN)


@pytest.mark.parametrize(("rejudged", "found"), [(True, [None]), (False, [])])
def test_a_violation_that_is_none_any_more(rejudged, found):
    """Only an event that had been decided before can have been a violation."""
    assert list(violations_among(decided(Decision.UNCHANGED, rejudged=rejudged)).values()) == found


def test_news_are_opened():
    """A violation is news that is not known, was withdrawn, or is one of another record."""
    new, known, withdrawn, renewed = (violation(number) for number in range(4))
    before = {
        known.id: known,
        withdrawn.id: replace(withdrawn, state=State.WITHDRAWN),
        renewed.id: replace(renewed, recorded=digest(7)),
    }

    changes = ViolationChanges.between(before, {each.id: each for each in (new, known, withdrawn, renewed)})

    assert changes == ViolationChanges(news=(new, withdrawn, renewed), ended=())


def test_known_violations_end():
    """One that turns out to be none ends, unless it is withdrawn already; an unknown one needs nothing."""
    known, withdrawn = violation(1), replace(violation(2), state=State.WITHDRAWN)
    before = {known.id: known, withdrawn.id: withdrawn}

    changes = ViolationChanges.between(before, dict.fromkeys([known.id, withdrawn.id, "unknown"]))

    assert changes == ViolationChanges(news=(), ended=(known,))


def test_an_observed_violation_is_told_and_not_undone():
    """Under an observing policy nothing is restored."""
    observed = replace(violation(1), state=State.OBSERVED)
    enforced = violation(2)

    changes = ViolationChanges((observed, enforced), ())

    assert changes.observed == (observed,)
    assert changes.by_tag == {NAME: [enforced]}
    assert ViolationChanges((observed,), ()).by_tag == {}


def test_overtaken():
    """A decision is overtaken by any later version of its tag than the one it was written with."""
    other = replace(NAME, tag=Tag("other"))
    pursued = {NAME: TagDecision(1, TagState(), changed=True), other: TagDecision(1, TagState())}

    assert overtaken(pursued, {NAME: TagState(version=2), other: TagState(version=2)}) == [other]
