"""Whatever the order in which the events of a tag arrive, the record and the set of violations end the same.

The model below says what they must be: the rules of judgement over all events in their order, in plain Python. It knows
nothing of histories, versions, batches or lateness; the events arrive through `Judge` and a ledger with all of them:
doubled, in batches of any size, judged again after a crash, and beside a rival worker that writes in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from enforcer.ledger.store import Ledger
from enforcer.names import Namespace
from enforcer.policies.policy import Against, Policy, PolicySet, Selector
from enforcer.times import Time
from tests.fakes.events import MAIN, NAME, deletion, digest, push
from worker.judging import Case, Judge

START = Time("2026-11-22T04:00:00Z")
STEP = 30
LATE_WINDOW = 600
CHILDREN = {1: (), 2: (), 8: (1,), 9: (2, 8)}
"""The children of each digest: two images, an index of one of them, and an index of the other image and the index."""


class Did(NamedTuple):
    """What somebody did: a push, or a deletion where the digest is None. A step is half a minute."""

    step: int
    digest: int | None
    actor: str


class Rule(NamedTuple):
    """A policy as the model knows it: whether it selects the tag at all, and since which step."""

    since: int
    selects: bool
    overwrite: bool
    delete: bool
    settle: int
    bypass: tuple[str, ...]
    disabled: bool


@dataclass
class Tag:
    """What the model knows of the tag."""

    digest: int = 0
    since: int = 0
    settles: int | None = None
    gone: bool = False


def expected(did, rules):
    """The digest recorded in the end and since which step, whether the tag is gone, and the violations by event."""
    tag, violations = Tag(), {}
    for event_id, what in sorted(did.items(), key=_order):
        in_force = [rule for rule in rules if _binds(rule, what)]
        if what.digest is None:
            against_deletion = any(rule.delete for rule in in_force)
            if tag.digest and not tag.gone:
                tag = replace(tag, gone=True) if against_deletion else Tag()
                if against_deletion:
                    violations[event_id] = "deleted"
        elif what.digest == tag.digest:
            tag.gone = False
        elif not any(rule.overwrite for rule in in_force):
            tag = Tag(what.digest, what.step)
        elif not tag.digest:
            tag = Tag(what.digest, what.step, what.step + max(rule.settle for rule in in_force))
        elif tag.settles is not None and what.step <= tag.settles and tag.digest in CHILDREN[what.digest]:
            tag = Tag(what.digest, what.step)
        else:
            violations[event_id] = "overwritten"
            tag.gone = False
    return (tag.digest, tag.since, tag.settles, tag.gone) if tag.digest else None, violations


def _order(item):
    event_id, what = item
    return (what.step, what.digest or 0, event_id)


def _binds(rule, what):
    return rule.selects and not rule.disabled and rule.since <= what.step and what.actor not in rule.bypass


def build_event(event_id, what):
    time = START.plus(STEP * what.step)
    if what.digest is None:
        return deletion(event_id, time, actor=what.actor)
    children = tuple(map(digest, CHILDREN[what.digest]))
    return push(event_id, digest(what.digest), time, children=children, actor=what.actor)


def build_policy(number, rule):
    against = {Against.OVERWRITE: rule.overwrite, Against.DELETE: rule.delete}
    return Policy(
        id=number,
        registry=MAIN,
        namespace=Namespace(NAME.repository.namespace),
        repositories=Selector.from_dict({"decoration": "repoMatches", "pattern": "**"}),
        tags=Selector.from_dict({"decoration": "matches" if rule.selects else "excludes", "pattern": "1.*"}),
        disabled=rule.disabled,
        protect=frozenset(kind for kind, wanted in against.items() if wanted),
        settle=STEP * rule.settle,
        bypass_actors=frozenset(rule.bypass),
        effective_since=START.plus(STEP * rule.since),
    )


class DisturbedLedger(Ledger):
    """A ledger in which somebody else may write between the read and the write of a judge."""

    rival = staticmethod(lambda: None)

    def standings(self, names):
        found = super().standings(names)
        rival, self.rival = self.rival, lambda: None
        rival()
        return found


class Office:
    """Workers of one ledger; `violations` is what they have pursued and not withdrawn, by the event's id."""

    def __init__(self, rules):
        redis = FakeStrictRedis(server=FakeServer())
        self.ledger, self._disturbed = Ledger(redis), DisturbedLedger(redis)
        self._policies = PolicySet(build_policy(number, rule) for number, rule in enumerate(rules, 1))
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
        record = self.ledger.standing(NAME).record
        violations = {
            entry.event.id: entry.decision.value for entry in self.ledger.history(NAME) if entry.decision.is_violation
        }
        if record is None:
            return None, violations
        steps = [None if time is None else time.since(START) / STEP for time in (record.time, record.settles)]
        return (int(record.digest[-1]), *steps, record.deleted), violations


STEPS = st.integers(0, 10)
DIGESTS = st.sampled_from([1, 2, 8, 9, None])
DIDS = st.lists(st.builds(Did, STEPS, DIGESTS, actor=st.sampled_from(["ci", "", "root"])), min_size=3, max_size=9)


def mostly(usual, other):
    """Hypothesis draws every branch about as often: a rule that hardly ever binds would test little."""
    return st.integers(0, 4).flatmap(lambda drawn: st.just(usual) if drawn else st.just(other))


RULES = st.lists(
    st.builds(
        Rule,
        since=mostly(0, 3) | STEPS,
        selects=mostly(True, False),
        overwrite=mostly(True, False),
        delete=st.booleans(),
        settle=st.integers(0, 4),
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


@given(dids=DIDS, rules=RULES, data=st.data())
def test_order_of_arrival(dids, rules, data):
    """The record and the violations are those of the events in their order, however they arrived."""
    ids = data.draw(st.permutations([f"e{number}" for number in range(len(dids))]), label="ids")
    did = dict(zip(ids, dids, strict=True))
    record, violations = expected(did, rules)
    note(f"violations: {min(len(violations), 3)}")
    note("recorded" if record else "nothing recorded")

    office = Office(rules)
    batches = data.draw(arrivals(len(ids)), label="batches")
    arrived = START.plus(STEP * 10)
    cases = [[Case(build_event(ids[number], dids[number]), arrived) for number in batch] for batch in batches]
    while cases:
        batch = cases.pop(0)
        rivals = [cases.pop(0)] if cases and data.draw(st.booleans(), label="rival") else []
        office.judge(batch, rivals=rivals, crash=data.draw(st.booleans(), label="crash"))

    assert office.found() == (record, violations)
    assert office.violations == violations
