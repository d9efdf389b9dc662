"""A state machine for Hypothesis: the pipeline behind the receiver, from the log to the registry.

People push, delete, change policies, unlock and approve; the registry announces what they did late, doubled, in any
order and in envelopes of any size; workers judge and restore, die between any two commands to Redis, and get into each
other's way there. In the end everything is announced, judged and restored, and must be as the model says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from unittest.mock import patch

from hypothesis import event as note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from redis import Redis

from enforcer import agenda as agenda_module
from enforcer import log as log_module
from enforcer import times as times_module
from enforcer.approvals import Approvals
from enforcer.errors import ManifestMissing
from enforcer.events import Event
from enforcer.names import Digest, Namespace, Repository, Tag, TagName
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.policies.store import PolicyStore
from enforcer.policies.unlock import Unlock
from enforcer.registries.manifest import OCI_INDEX, OCI_MANIFEST, Manifest
from enforcer.times import Time
from enforcer.violations import State
from tests.fakes.clock import Clock
from tests.fakes.events import APP, MAIN, deletion, push
from tests.fakes.images import image, index
from tests.fakes.interruptions import Interruptions, Killed, die
from tests.fakes.model import Did, Model, Rule, tag_of
from tests.fakes.settings import settings
from worker import restore as restore_module
from worker.context import Context
from worker.drain import drain
from worker.restore import restore

TICK = 5
"""Seconds."""

STEPS = 20
"""Things that happen in a run, at most; what happens at its end comes on top."""

LATE_WINDOW = 36_000
"""Seconds; longer than any run, so that nothing is too late."""

TAGS = (Tag("1.0"), Tag("2.0"))
SETTINGS = settings(late_window=LATE_WINDOW)


def _manifests() -> dict[str, Manifest]:
    images = {name: image(name) for name in ("a", "b", "c", "new")}
    images["ab"] = index(images["a"], images["b"])
    images["abc"] = index(images["ab"], images["c"])
    return {
        name: Manifest(Digest.of(content), OCI_INDEX if name in ("ab", "abc") else OCI_MANIFEST, content)
        for name, content in images.items()
    }


MANIFESTS = _manifests()
BY_DIGEST = {manifest.digest: manifest for manifest in MANIFESTS.values()}
CHILDREN = {manifest.digest: manifest.children for manifest in MANIFESTS.values()}
NEW = MANIFESTS["new"].digest
"""What is not in the registry before somebody pushes it: only this can be approved beforehand."""

BUILDS = (("a", "b", "ab"), ("b", "a", "ab"), ("a", "c", "b", "ab", "abc"))
"""What old build tools push one after the other, all by the final tag."""


class Registry:
    """A registry in memory that has every manifest under its digest; a push may reach its tag late."""

    def __init__(self, announce: Callable[[Tag, Digest], None]) -> None:
        self.known = set(BY_DIGEST) - {NEW}
        self.tags: dict[Tag, Digest] = {}
        self._announce = announce
        self._landing: list[tuple[Time, Tag, Digest]] = []

    def push(self, tag: Tag, digest: Digest, lands: Time) -> None:
        self.known.add(digest)
        self._landing.append((lands, tag, digest))

    def land(self, now: Time) -> None:
        """What was pushed early enough is in place."""
        for _, tag, digest in (each for each in self._landing if each[0] <= now):
            self.tags[tag] = digest
        self._landing = [each for each in self._landing if each[0] > now]

    def delete(self, tag: Tag | None, digest: Digest | None) -> None:
        for each, held in list(self.tags.items()):
            if each == tag or digest in (held, *CHILDREN[held]):
                del self.tags[each]

    def head(self, _: Repository, reference: Tag) -> Digest | None:
        return self.tags.get(reference)

    def get(self, repository: Repository, reference: Tag | Digest) -> Manifest:
        digest = reference if isinstance(reference, Digest) else self.tags.get(reference)
        if digest not in self.known:
            raise ManifestMissing(f"{repository} has no {reference}")
        return BY_DIGEST[digest]

    def put(self, _: Repository, reference: Tag | Digest, manifest: Manifest) -> None:
        if isinstance(reference, Tag):
            self.tags[reference] = manifest.digest
            self._announce(reference, manifest.digest)


@dataclass(frozen=True)
class Policed:
    """A policy as the model knows it, in force from `since` on."""

    pattern: str
    since: Time
    rule: Rule
    bypass: str | None = None
    disabled: bool = False

    def binds(self, tag: Tag, what: Did) -> bool:
        bypassed = bool(what.actor) and what.actor == self.bypass and what.action in ("push", "delete")
        return not self.disabled and self.since <= what.time and _selects(self.pattern, tag) and not bypassed

    def policy(self) -> Policy:
        against = {Against.OVERWRITE: self.rule.overwrite, Against.DELETE: self.rule.delete}
        return Policy(
            id=0,
            registry=MAIN,
            namespace=Namespace(APP.namespace),
            repositories=Selector.from_dict({"decoration": "repoMatches", "pattern": "**"}),
            tags=Selector.from_dict({"decoration": "matches", "pattern": self.pattern}),
            disabled=self.disabled,
            mode=Mode.ENFORCE if self.rule.enforce else Mode.OBSERVE,
            protect=frozenset(kind for kind, wanted in against.items() if wanted),
            settle=self.rule.settle,
            bypass_actors=frozenset(filter(None, [self.bypass])),
            effective_since=self.since,
        )


def _selects(pattern: str, tag: Tag) -> bool:
    return pattern in ("**", "*") or tag.startswith(pattern[:2])


@dataclass
class Unlocked:
    """An unlock as the model knows it."""

    id: int
    pattern: str
    begins: Time
    ends: Time


RULES = st.builds(
    Rule,
    overwrite=st.sampled_from([True, True, True, False]),
    delete=st.sampled_from([True, True, False]),
    settle=st.sampled_from([0, 2 * TICK, 120]),
    enforce=st.sampled_from([True, True, True, False]),
)
PATTERNS = st.sampled_from(["**", "**", "1.*", "2.*"])
TAG = st.sampled_from([*TAGS[:1] * 3, *TAGS])
ACTOR = st.sampled_from(["ci", "ci", "root", ""])
DIGEST = st.sampled_from(list(BY_DIGEST))
TICKS = st.sampled_from([0, 0, 1, 1, 2, 5])
PUSHES = st.lists(st.tuples(TICKS, TAG, DIGEST, ACTOR, st.booleans(), st.booleans()), min_size=1, max_size=4)
WORKER = st.sampled_from([0, 1])
COMMANDS = st.integers(0, 20)


class Pipeline(RuleBasedStateMachine):
    """The machine; `connect` gives a new client of an empty Redis, the same one for all clients of a run."""

    def __init__(self, server: Callable[[], Callable[[], Redis]]) -> None:
        super().__init__()
        connect = server()
        self.stack = ExitStack()
        self.clock = Clock(time.time() // 1)
        for module in (times_module, agenda_module, restore_module):
            self.stack.enter_context(patch.object(module, "time", self.clock))
        self.stack.enter_context(patch.object(log_module, "STALE_MILLISECONDS", 0))
        self.stack.enter_context(patch.object(log_module.Arrival, "time", property(lambda _: Time.now())))
        self.redis = connect()
        self.store = PolicyStore(self.redis, per_namespace=10)
        self.approvals = Approvals(self.redis)
        self.registry = Registry(self._restored)
        self.interruptions, self.workers = [], []
        for number in range(2):
            client = connect()
            self.interruptions.append(Interruptions(client))
            context = Context(SETTINGS, client, consumer=f"worker-{number}")
            context.__dict__["registries"] = {MAIN: self.registry}
            self.workers.append(context)
        self.did: dict[str, tuple[Tag | None, Did]] = {}
        self.said: list[Event] = []
        self.silent: list[Event] = []
        self.policies: dict[int, list[tuple[Time, Policed | None]]] = {}
        self.unlocks: list[Unlocked] = []

    # What people do

    @initialize(pattern=PATTERNS, rule=RULES)
    def begin(self, pattern, rule):
        self._create(Policed(pattern, Time.now(), rule))

    @rule(pushes=PUSHES)
    def push(self, pushes):
        for ticks, tag, digest, actor, slow, bare in pushes:
            self._wait(ticks)
            self._push(tag, digest, actor, slow=slow, bare=bare)

    @rule(tag=TAG, parts=st.sampled_from(BUILDS), pause=st.sampled_from([0, 1, 1, 3]))
    def build(self, tag, parts, pause):
        for part in parts:
            self._push(tag, MANIFESTS[part].digest, "ci")
            self._wait(pause)

    @rule(ticks=TICKS, tag=TAG, actor=ACTOR)
    def delete(self, ticks, tag, actor):
        self._wait(ticks)
        self.registry.delete(tag, None)
        self._say(deletion(self._id(), Time.now(), tag=tag, actor=actor))

    @rule(ticks=TICKS, digest=DIGEST, actor=ACTOR)
    def delete_digest(self, ticks, digest, actor):
        """Which breaks every tag that needs it."""
        self._wait(ticks)
        self.registry.delete(None, digest)
        self._say(deletion(self._id(), Time.now(), tag=None, digest=digest, actor=actor))

    # What operators do

    @rule(data=st.data(), pattern=PATTERNS, rule=RULES)
    def change_policies(self, data, pattern, rule):
        self._wait(1)
        current = self._current()
        is_new = not any(policed.pattern == pattern for policed in current.values())
        what = data.draw(st.sampled_from(["create", "select", "change", "change", "delete"]))
        if what == "create" and is_new:
            self._create(Policed(pattern, Time.now(), rule))
        elif current and (is_new or what != "select"):
            number = data.draw(st.sampled_from(sorted(current)))
            self._amend(number, self._amended(data, what, current[number], pattern, rule))

    def _amended(self, data, what, before, pattern, rule):
        if what == "delete":
            return None
        if what == "select":
            return replace(before, pattern=pattern, since=Time.now())
        disabled = data.draw(st.sampled_from([False, False, True]))
        since = Time.now() if before.disabled and not disabled else before.since
        bypass = data.draw(st.sampled_from([None, "root"]))
        return replace(before, rule=rule, bypass=bypass, disabled=disabled, since=since)

    @rule(data=st.data(), pattern=st.sampled_from(["*", "1.*", "2.0"]), ticks=st.integers(1, 10))
    def unlock(self, data, pattern, ticks):
        self._wait(1)
        if self.unlocks and data.draw(st.booleans()):
            unlocked = data.draw(st.sampled_from(self.unlocks))
            self.store.lock(unlocked.id, "ops")
            unlocked.ends = min(unlocked.ends, Time.now())
            return
        wanted = Unlock.parse(MAIN, f"{APP}:{pattern}", seconds=ticks * TICK, by="ops", reason="repair")
        self.unlocks.append(Unlocked(self.store.unlock(wanted).id, pattern, wanted.begins, wanted.ends))

    @rule(tag=TAG, digest=DIGEST)
    def approve(self, tag, digest):
        """At once judged, since it depends on the registry what it means."""
        self._wait(1)
        self._drain_all()
        event = self.approvals.approve(TagName(MAIN, APP, tag), digest, by="ops", reason="repair")
        action = "adopt" if digest in self.registry.known else "approve"
        self.did[event.id] = (tag, Did(event.time, action, digest, "ops"))
        self.said.append(event)
        self._drain_all()

    # What machines do

    @precondition(lambda self: self.silent)
    @rule(data=st.data())
    def announce(self, data):
        """Some of what the registry has not told yet, in any order."""
        places = data.draw(st.permutations(range(len(self.silent))))
        told = [self.silent[place] for place in places[: data.draw(st.integers(1, len(places)))]]
        self._announce(told, data.draw(st.integers(1, len(told))))

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def repeat(self, data):
        """Something that was told before."""
        places = data.draw(st.lists(st.integers(0, len(self.said) - 1), min_size=1, max_size=3))
        self._announce([self.said[place] for place in places], 3)

    @precondition(lambda self: self.workers[0].log.waiting())
    @rule(worker=WORKER, commands=COMMANDS, dies=st.booleans())
    def drain(self, worker, commands, dies):
        """Until it dies between two commands, or the other one does the same there."""
        self._interrupted(worker, drain, commands, dies)

    @precondition(lambda self: self.workers[0].restores.is_due())
    @rule(worker=WORKER, commands=COMMANDS, dies=st.booleans())
    def restore(self, worker, commands, dies):
        self._interrupted(worker, restore_due, commands, dies)

    @rule(ticks=st.integers(1, 3))
    def wait(self, ticks):
        self._wait(ticks)

    # How it ends

    def teardown(self):
        try:
            self._end()
            for tag in TAGS:
                self._check(tag)
        finally:
            self.stack.close()

    def _end(self):
        for _ in range(100):
            self._announce(self.silent[::-1], 2)
            self._drain_all()
            if not len(self.workers[0].restores):
                return
            self._wait_for_restores()
            restore_due(self.workers[0])
        raise AssertionError("the restores do not end")

    def _check(self, tag):
        name = TagName(MAIN, APP, tag)
        model = Model(CHILDREN, lambda what: self._rules(tag, what))
        model.take({event_id: what for event_id, (named, what) in self.did.items() if named in (tag, None)})
        record = self.workers[0].ledger.standing(name).record
        assert (record and tag_of(record)) == model.tag
        found = [each for each in self.workers[0].violations.newest(limit=1000) if each.name == name]
        found = [each for each in found if each.state is not State.WITHDRAWN]
        expected = {event_id: (each.kind, each.recorded) for event_id, each in model.violations.items()}
        assert {each.event_id: (each.kind, each.recorded) for each in found} == expected
        for each in found:
            assert (each.state is State.OBSERVED) is not model.violations[each.event_id].enforce
            assert each.state is not State.OPEN
        note(f"violations: {min(len(found), 3)}")
        for state in {each.state for each in found}:
            note(f"{state}")
        states = {each.state for each in found if record and each.recorded == record.digest}
        is_enforced = any(rule.enforce for rule in self._rules(tag, Did(Time.now(), "push", None)))
        if is_enforced and states & {State.RESTORED, State.IN_PLACE} and State.RELEASED not in states:
            assert self.registry.tags.get(tag) == record.digest

    # How it is done

    def _id(self):
        return f"event-{len(self.did) * 7 % 10}-{len(self.did)}"  # in another order than they happened

    def _push(self, tag, digest, actor, *, slow=False, bare=False):
        now = Time.now()
        self.registry.push(tag, digest, now.plus(TICK if slow else 0))
        self.registry.land(now)
        event = self._event(tag, digest, actor)
        # What an index lists is not asked for until it is protected.
        self._say(replace(event, media_type="") if bare and not event.children else event)

    def _restored(self, tag, digest):
        self._say(self._event(tag, digest, "enforcer"))

    def _event(self, tag, digest, actor):
        manifest = BY_DIGEST[digest]
        described = {"media_type": manifest.media_type, "children": manifest.children}
        return push(self._id(), digest, Time.now(), tag=tag, actor=actor, **described)

    def _say(self, event):
        self.did[event.id] = (event.tag, Did(event.time, event.action.value, event.digest, event.actor))
        self.silent.append(event)

    def _announce(self, events, size):
        for start in range(0, len(events), size):
            self.workers[0].log.append(events[start : start + size])
        told = {event.id for event in events}
        self.said += [event for event in self.silent if event.id in told]
        self.silent = [event for event in self.silent if event.id not in told]

    def _wait(self, ticks):
        self.clock.advance(ticks * TICK)
        self.registry.land(Time.now())

    def _wait_for_restores(self):
        due, claimed = (
            dict(self.redis.zrange(f"te:{{restore}}:{each}", 0, -1, withscores=True)) for each in ("due", "claimed")
        )
        self.clock.advance(max(0, min((due | claimed).values()) / 1000 - self.clock.now))
        self.registry.land(Time.now())

    def _drain_all(self):
        while self.workers[0].log.waiting():
            drain(self.workers[0])

    def _interrupted(self, worker, work, commands, dies):
        def be_quicker():
            self._announce(self.silent[:3], 2)
            drain(self.workers[1 - worker])

        interruptions = self.interruptions[worker]
        interruptions.after(commands, die if dies else be_quicker)
        try:
            work(self.workers[worker])
        except Killed:
            note("killed")
        finally:
            interruptions.none()

    def _amend(self, number, after):
        if after is None:
            self.store.delete(number, "ops")
        else:
            self.store.change(number, lambda _: after.policy(), "ops")
        self.policies[number].append((Time.now(), after))

    def _create(self, policed):
        made = self.store.create(policed.policy(), "ops")
        self.policies[made.id] = [(Time.now(), policed)]

    def _current(self):
        return {number: revisions[-1][1] for number, revisions in self.policies.items() if revisions[-1][1]}

    def _rules(self, tag, what):
        """What was in force for the tag when it happened."""
        if any(_selects(each.pattern, tag) and each.begins <= what.time < each.ends for each in self.unlocks):
            return []
        at = (self._at(revisions, what.time) for revisions in self.policies.values())
        return [policed.rule for policed in at if policed is not None and policed.binds(tag, what)]

    def _at(self, revisions, time):
        return next((policed for since, policed in reversed(revisions) if since <= time), None)


def restore_due(context: Context) -> None:
    """Do one step for each tag whose restore is due."""
    for claim in context.restores.claim(10):
        restore(context, claim)
