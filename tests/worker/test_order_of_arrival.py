"""Whatever the order in which the events of a tag arrive, the record and the set of violations end the same.

The model below says what they must be: the rules of judgement over all events in their order, in plain Python. It knows
nothing of histories, versions, batches or lateness; the events arrive through `Judge` and a ledger with all of them:
doubled, in batches of any size, judged again after a crash, and beside a rival worker that writes in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import NamedTuple

from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import event as note
from hypothesis import given
from hypothesis import strategies as st

from enforcer.events import Action
from enforcer.ledger.store import Ledger
from enforcer.names import Namespace
from enforcer.policies.policy import Against, Policy, PolicySet, Selector
from enforcer.times import Time
from tests.fakes.events import MAIN, NAME, deletion, digest, push
from worker.judging import Case, Judge

START = Time("2026-11-22T04:00:00Z")
STEP = 30
LATE_WINDOW = 600
CHILDREN = {1: (), 2: (), 3: (), 8: (1, 2), 9: (8, 3)}
"""The children of each digest: three images, an index of two of them, and an index of that index and the third."""


class Did(NamedTuple):
    """What somebody did; a deletion has no digest. A step is half a minute."""

    step: int
    action: str
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
    """What the model knows of the tag; `build` are the overwrites that an index may still explain, by event."""

    digest: int
    since: int
    settles: int | None = None
    gone: bool = False
    approved: int | None = None
    build: dict[str, int] = field(default_factory=dict)

    def is_settling(self, step):
        return self.settles is not None and step <= self.settles


def expected(did, rules):
    """The tag in the end, None if nothing is recorded, and the violations by event."""
    tag, violations = None, {}
    for event_id, what in sorted(did.items(), key=_order):
        in_force = [rule for rule in rules if _binds(rule, what)]
        take = {"delete": _delete, "approve": _approve}.get(what.action, _push)
        tag = take(tag, event_id, what, in_force, violations)
    return tag, violations


def _delete(tag, event_id, what, in_force, violations):
    if tag is None or tag.gone:
        return tag
    if any(rule.delete for rule in in_force):
        violations[event_id] = "deleted"
        return replace(tag, gone=True)
    return None


def _approve(tag, event_id, what, in_force, violations):
    return tag if tag is None or tag.digest == what.digest else replace(tag, approved=what.digest)


def _push(tag, event_id, what, in_force, violations):
    step, pushed = what.step, what.digest
    if tag is not None and tag.digest == pushed:
        return replace(tag, gone=False)
    approved = what.action == "adopt" or (tag is not None and tag.approved == pushed)
    if approved or not any(rule.overwrite for rule in in_force):
        return Tag(pushed, step)
    if tag is None:
        return Tag(pushed, step, step + max(rule.settle for rule in in_force))
    if tag.is_settling(step) and tag.digest in CHILDREN[pushed]:
        for part, digest_of_part in tag.build.items():
            if digest_of_part in CHILDREN[pushed]:
                violations.pop(part, None)
        return Tag(pushed, step, tag.settles, build=tag.build)
    if not (tag.is_settling(step) and pushed in CHILDREN[tag.digest]):
        violations[event_id] = "overwritten"
        tag.build[event_id] = pushed
    return replace(tag, gone=False)


def _order(item):
    event_id, what = item
    return (what.step, what.digest or 0, event_id)


def _binds(rule, what):
    bypassed = what.actor in rule.bypass and what.action in ("push", "delete")
    return rule.selects and not rule.disabled and rule.since <= what.step and not bypassed


def build_event(event_id, what):
    time = START.plus(STEP * what.step)
    if what.action == "delete":
        return deletion(event_id, time, actor=what.actor)
    children = tuple(map(digest, CHILDREN[what.digest]))
    event = push(event_id, digest(what.digest), time, children=children, actor=what.actor)
    return replace(event, action=Action(what.action))


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
        return record and _tag_of(record), violations


def _tag_of(record):
    settles = None if record.settles is None else record.settles.since(START) / STEP
    approved = None if record.approved is None else int(record.approved[-1])
    return Tag(int(record.digest[-1]), record.time.since(START) / STEP, settles, record.deleted, approved)


STEPS = st.integers(0, 10)
ACTIONS = st.sampled_from([*["push"] * 10, "delete", "delete", "approve", "adopt"])
SINGLE = st.builds(Did, STEPS, ACTIONS, st.sampled_from(list(CHILDREN)), st.sampled_from(["ci", "", "root"])).map(
    lambda did: [did._replace(digest=None) if did.action == "delete" else did]
)
BUILD = st.builds(
    lambda start, parts: [Did(start + place, "push", part, "ci") for place, part in enumerate(parts)],
    st.integers(0, 4),
    st.permutations([1, 2]).map(lambda images: [*images, 8])
    | st.permutations([1, 2, 3]).map(lambda images: [*images, 8, 9]),
)
DIDS = st.lists(SINGLE | SINGLE | BUILD, min_size=1, max_size=5).map(lambda parts: list(chain(*parts)))


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


@given(dids=DIDS, rules=RULES, data=st.data())
def test_order_of_arrival(dids, rules, data):
    """The record and the violations are those of the events in their order, however they arrived."""
    ids = data.draw(st.permutations([f"e{number}" for number in range(len(dids))]), label="ids")
    did = dict(zip(ids, dids, strict=True))
    tag, violations = expected(did, rules)
    note(f"violations: {min(len(violations), 3)}")
    note("recorded" if tag else "nothing recorded")

    office = Office(rules)
    batches = data.draw(arrivals(len(ids)), label="batches")
    arrived = START.plus(STEP * 10)
    cases = [[Case(build_event(ids[number], dids[number]), arrived) for number in batch] for batch in batches]
    while cases:
        batch = cases.pop(0)
        rivals = [cases.pop(0)] if cases and data.draw(st.booleans(), label="rival") else []
        office.judge(batch, rivals=rivals, crash=data.draw(st.booleans(), label="crash"))

    assert office.found() == (tag and replace(tag, build={}), violations)
    assert office.violations == violations
