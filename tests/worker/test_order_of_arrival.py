"""Whatever the order in which the events of a tag arrive, the record and the set of violations end the same.

The model says what they must be. The events arrive through `Judge` and a ledger: doubled, in batches of any size,
judged again after a crash, and beside a rival worker that writes in between.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from enforcer.events import Action
from enforcer.judgement.arrival import Arrival
from enforcer.names import Namespace
from enforcer.policies.policy import Against, Policy, Selector
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Ledger
from enforcer.times import Time
from tests.fakes.events import MAIN, NAME, deletion, digest, push
from tests.fakes.model import Did, Model, Rule, binding, tag_of
from worker.judging.judge import Judge

START = Time("2026-11-22T04:00:00Z")
STEP = 30
LATE_WINDOW = 600
AHEAD = {"ci": 3600, "": 0, "root": -90}
"""By how many seconds the clock of the process is ahead that tells what an actor did."""
CHILDREN = {
    digest(number): tuple(map(digest, parts)) for number, parts in {1: (), 2: (), 3: (), 8: (1, 2), 9: (8, 3)}.items()
}
"""The children of each digest: three images, an index of two of them, and an index of that index and the third."""


class Policed(NamedTuple):
    """A policy: whether it selects the tag at all, and since which step."""

    since: int
    selects: bool
    overwrite: bool
    delete: bool
    settle: int
    bypass: tuple[str, ...]
    disabled: bool

    def binds(self, what: Did, time: Time) -> bool:
        bypassed = what.actor in self.bypass and what.action in ("push", "delete")
        return self.selects and not self.disabled and at(self.since) <= time and not bypassed

    @property
    def rule(self) -> Rule:
        return Rule(self.overwrite, self.delete, STEP * self.settle)


def at(step: int) -> Time:
    return START.plus(STEP * step)


def build_event(event_id, what):
    times = {"time": what.time.plus(AHEAD[what.actor]), "at": what.time, "arrived": what.arrived, "source": "a-process"}
    if what.action == "delete":
        return deletion(event_id, actor=what.actor, **times)
    event = push(event_id, what.digest, children=what.children, actor=what.actor, pushed=what.own, **times)
    return replace(event, action=Action(what.action))


def build_policy(number, policed):
    against = {Against.OVERWRITE: policed.overwrite, Against.DELETE: policed.delete}
    return Policy(
        id=number,
        registry=MAIN,
        namespace=Namespace(NAME.repository.namespace),
        repositories=Selector.from_dict({"decoration": "repoMatches", "pattern": "**"}),
        tags=Selector.from_dict({"decoration": "matches" if policed.selects else "excludes", "pattern": "1.*"}),
        disabled=policed.disabled,
        protect=frozenset(kind for kind, wanted in against.items() if wanted),
        settle=STEP * policed.settle,
        bypass_actors=frozenset(policed.bypass),
        effective_since=at(policed.since),
    )


class DisturbedLedger(Ledger):
    """A ledger in which somebody else may write between the read and the write of a judge."""

    rival = staticmethod(lambda: None)

    def situations(self, names):
        found = super().situations(names)
        rival, self.rival = self.rival, lambda: None
        rival()
        return found


class Office:
    """Workers of one ledger; `violations` is what they have pursued and not withdrawn, by the event's id."""

    def __init__(self, policies):
        redis = FakeStrictRedis(server=FakeServer())
        self.ledger, self._disturbed = Ledger(redis), DisturbedLedger(redis)
        built = (build_policy(number, policed) for number, policed in enumerate(policies, 1))
        self._policies = PolicySet(built, asking=["main"])
        self.violations = {}

    def judge(self, cases, *, rivals=(), crash=False):
        """Judge a batch; rivals judge theirs in between. After a crash nothing of it is pursued: it comes again."""

        def judge_rivals():
            for batch in rivals:
                self.judge(batch)

        self._disturbed.rival = judge_rivals
        decided = list(Judge(self._disturbed, self._policies, LATE_WINDOW).judge(cases))
        if crash:
            self.judge(cases)
            return
        for _, judged in decided:
            for order, entry in judged.entries.items():
                if entry.decision.is_violation:
                    self.violations[entry.event.id] = entry.decision.value
                elif order in judged.rejudged:
                    self.violations.pop(entry.event.id, None)

    def found(self):
        """What the ledger says in the end, as the model says it."""
        record = self.ledger.state(NAME).record
        violations = {
            entry.event.id: entry.decision.value for entry in self.ledger.history(NAME) if entry.decision.is_violation
        }
        return record and tag_of(record), violations


STEPS = st.integers(0, 10)
ACTIONS = st.sampled_from([*["push"] * 10, "delete", "delete", "approve", "adopt"])


def told(did):
    """With what the event says of an index, whose children its own client had pushed by then."""
    children = CHILDREN[did.digest]
    return did._replace(children=children, own=tuple((child, did.time) for child in children))


SINGLE = st.builds(
    lambda did, is_told: [did._replace(digest=None) if did.action == "delete" else told(did) if is_told else did],
    st.builds(
        Did,
        STEPS.map(at),
        ACTIONS,
        st.sampled_from(list(CHILDREN)),
        st.sampled_from(["ci", "", "root"]),
        st.just(()),
        st.just(()),
        st.none(),
        st.just(False),
    ),
    st.sampled_from([True, True, True, False]),
)
BUILD = st.builds(
    lambda start, parts: [told(Did(at(start + place), "push", digest(part), "ci")) for place, part in enumerate(parts)],
    st.integers(0, 4),
    st.permutations([1, 2]).map(lambda images: [*images, 8])
    | st.permutations([1, 2, 3]).map(lambda images: [*images, 8, 9]),
)
DIDS = st.lists(SINGLE | SINGLE | BUILD, min_size=1, max_size=5).map(lambda parts: list(chain(*parts)))


def mostly(usual, other):
    """Hypothesis draws every branch about as often: a rule that hardly ever binds would test little."""
    return st.integers(0, 4).flatmap(lambda drawn: st.just(usual) if drawn else st.just(other))


POLICIES = st.lists(
    st.builds(
        Policed,
        since=mostly(0, 3) | STEPS,
        selects=mostly(True, False),
        overwrite=mostly(True, False),
        delete=st.booleans(),
        settle=mostly(4, 1),
        bypass=st.sampled_from([(), ("root",)]),
        disabled=mostly(False, True),
    ),
    min_size=1,
    max_size=3,
)


@st.composite
def arrivals(draw, count):
    """Batches of event numbers: each event at least once, in any order, some of them doubled."""
    doubled = draw(st.lists(st.integers(0, count - 1), max_size=3))
    left = draw(st.permutations([*range(count), *doubled]))
    batches = []
    while left:
        size = draw(st.integers(1, len(left)))
        batches.append(left[:size])
        left = left[size:]
    return batches


@st.composite
def times_of(draw, dids):
    """When each arrived: at any time after it was done, and no two at once."""
    places = draw(st.permutations(range(len(dids))))
    return [max(did.time, at(draw(STEPS))).plus(1e-9 * place) for did, place in zip(dids, places, strict=True)]


@given(dids=DIDS, policies=POLICIES, data=st.data())
def test_order_of_arrival(dids, policies, data):
    """The record and the violations are those of the events in their order, however they arrived."""
    ids = data.draw(st.permutations([f"e{number}" for number in range(len(dids))]), label="ids")

    def in_force(what):
        return binding(what, lambda time: [policed.rule for policed in policies if policed.binds(what, time)])

    model = Model(in_force)
    dids = [did._replace(arrived=arrived) for did, arrived in zip(dids, data.draw(times_of(dids)), strict=True)]
    model.take(dict(zip(ids, dids, strict=True)))
    violations = {event_id: violation.kind for event_id, violation in model.violations.items()}
    note(f"violations: {min(len(violations), 3)}")
    note("recorded" if model.tag else "nothing recorded")

    office = Office(policies)
    batches = data.draw(arrivals(len(ids)), label="batches")
    cases = [[Arrival.of(build_event(ids[number], dids[number])) for number in batch] for batch in batches]
    while cases:
        batch = cases.pop(0)
        rivals = [cases.pop(0)] if cases and data.draw(st.booleans(), label="rival") else []
        office.judge(batch, rivals=rivals, crash=data.draw(st.booleans(), label="crash"))

    assert office.found() == (model.tag, violations)
    assert office.violations == violations
