from __future__ import annotations

import pytest

from enforcer.events import Action, Event
from enforcer.judgement.record import Decision, TagState
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.policies.policy import Against
from enforcer.preview import preview
from enforcer.store.ledger import Change, Ledger
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, digest
from tests.fakes.ledger import Past
from tests.fakes.policies import policy

SINCE = Time("2026-11-01T00:00:00Z")
BEFORE = SINCE.plus(-86_400)


class History(Past):
    """A past, and what a policy would have done to it."""

    def moves(self, draft):
        return [(move.name.tag, move.kind, move.recorded, move.event.digest) for move in self.look(draft).moves]

    def look(self, draft):
        return preview(self.ledger, draft, SINCE, asking=[MAIN], at_once=2)


@pytest.fixture
def history(redis):
    return History(Ledger(redis), began=SINCE)


def test_tags_that_are_there(history):
    """The tags that the policy selects are listed with what they are recorded with, by name; disabled or not."""
    for repository, tag in (
        ("team/b", "v1"),
        ("team/a", "v2"),
        ("team/a", "v1"),
        ("team/a", "latest"),
        ("ops/a", "v1"),
    ):
        history.push(1, TagName(MAIN, Repository(repository), Tag(tag)))
    history.push(1, TagName(RegistryName("other"), APP, Tag("v1")))
    found = history.look(policy(tags="v*", disabled=True)).tags
    assert [tag.name.reference for tag in found] == ["team/a:v1", "team/a:v2", "team/b:v1"]
    assert found[0].record.digest == digest(1)


def test_a_deleted_tag_is_not_there(history):
    """A tag that was deleted would not be protected any more, but its deletion would have been undone."""
    history.push(1)
    history.delete()
    assert history.look(policy(tags="**")).tags == ()
    assert history.moves(policy(tags="**")) == [("1.0", Decision.DELETED, digest(1), None)]


def test_moves_since_a_time(history):
    """From that time on the first digest stays: each push of another is a move, newest first; the same is none."""
    history.push(1, time=BEFORE)
    history.push(2, time=BEFORE.plus(1))
    for number in (2, 3, 4, 2):
        history.push(number)
    assert history.moves(policy(tags="**")) == [
        ("1.0", Decision.OVERWRITTEN, digest(2), digest(4)),
        ("1.0", Decision.OVERWRITTEN, digest(2), digest(3)),
    ]


def test_moves_before_that_time_do_not_count(history):
    """What happened earlier would have been no violation."""
    history.push(1, time=BEFORE)
    history.push(2, time=BEFORE.plus(1))
    assert history.moves(policy(tags="**")) == []


def test_a_tag_that_is_new_settles(history):
    """Where the policy lets tags settle, the index that follows its own child is no violation, as it would be none."""
    history.push(1, actor="ci")
    history.push(2, actor="ci", children=(digest(1),))
    history.push(3)
    assert history.moves(policy(tags="**", settle=120)) == [("1.0", Decision.OVERWRITTEN, digest(2), digest(3))]


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"protect": frozenset({Against.OVERWRITE})}, [Decision.OVERWRITTEN]),
        ({"protect": frozenset({Against.DELETE})}, [Decision.DELETED]),
        ({"bypass_actors": frozenset({"robot"})}, [Decision.DELETED]),
        ({"mode": "observe"}, [Decision.DELETED, Decision.OVERWRITTEN]),
        ({"tags": "r*"}, []),
        ({"repositories": "other"}, []),
        ({"namespace": "ops"}, []),
    ],
)
def test_every_field_counts(history, changes, kinds):
    """What the policy protects against, whom it lets pass, and what it selects decide what it would have undone."""
    history.push(1)
    history.push(2, actor="robot")
    history.delete()
    assert [kind for _, kind, _, _ in history.moves(policy(**{"tags": "**"} | changes))] == kinds


def test_what_was_undone_anyway_does_not_count(redis):
    """A violation of another policy is nothing that this one would add."""
    history = History(Ledger(redis), policy(1, tags="**", effective_since=BEFORE), began=SINCE)
    history.push(1)
    history.push(2)
    history.push(1)
    assert history.moves(policy(tags="**", comment="a second one")) == []


def test_late_events_do_not_count(history, redis):
    """What came too late to be judged in its place is no move."""
    history.push(1)
    entry = history.ledger.history(NAME)[0]
    late = type(entry)(
        event=Event(
            registry=MAIN,
            repository=APP,
            tag=NAME.tag,
            action=Action.PUSH,
            time=SINCE.plus(2),
            id="late",
            digest=digest(9),
        ),
        decision=Decision.NOTED,
        protection=None,
        record=entry.record,
        late=True,
    )
    state = history.ledger.state(NAME)
    history.ledger.write([Change(NAME, state.version, TagState(state.record, state.last, 2), (late,))])
    assert history.moves(policy(tags="**")) == []


def test_many_tags_are_read_in_parts(history):
    """No more histories are read at once than fit, and none is left out."""
    for number in range(5):
        name = TagName(MAIN, APP, Tag(f"v{number}"))
        history.push(1, name)
        history.push(2, name)
    assert len(history.moves(policy(tags="**"))) == 5
