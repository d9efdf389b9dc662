"""A state machine for Hypothesis: the pipeline behind the receiver, from the log to the registry.

People push, delete, change policies, unlock and approve; the registry announces what they did late, doubled, in any
order, in envelopes of any size, or never; workers judge, restore, keep and survey, die between any two commands
to Redis, and get into each other's way there. In the end everything is announced, judged and restored, and must be as
the model says; and after a last sweep the registry holds what it must, whatever nobody told.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count

from fakeredis import FakeServer, FakeStrictRedis
from hypothesis import event as note
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from redis import Redis

from enforcer.events import ENFORCER, HARBOR, Action, Event
from enforcer.judgement.violation import State
from enforcer.names import Tag, TagName
from enforcer.policies.unlock import Unlock
from enforcer.store.sources import Sources
from enforcer.store.stores import Stores
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import Claim
from tests.fakes.clock import Clock, RedisClock
from tests.fakes.events import APP, MAIN, deletion, push
from tests.fakes.immediate import Immediate
from tests.fakes.interruptions import Interruptions, Killed, die
from tests.fakes.late_registry import BUILDS, BY_DIGEST, CHILDREN, MANIFESTS, LateRegistry
from tests.fakes.model import Did, Model, Rule, tag_of
from tests.fakes.policed import Policed, Regime, Unlocked
from tests.fakes.pools import AtOnce
from tests.fakes.settings import settings
from worker.context import Context, Timing
from worker.enforcement.keep import keep
from worker.enforcement.restore import restore
from worker.judging.drain import drain
from worker.scanning.baseline import baseline_walk
from worker.scanning.checkpoint import Checkpoint
from worker.scanning.scan import Scan
from worker.scanning.sweep import sweep_walk

TICK = 5
"""Seconds."""

STEPS = 20
"""Things that happen in a run, at most; what happens at its end comes on top."""

LONG_AGO = 1_700_000_000
"""When each run begins, by the clock that can be told to go. Redis's own, which dates what is logged, is far ahead."""

SKEWS = {HARBOR: 0, "ahead": 3600, "behind": -90}
"""The registry's sources, and by how many seconds their clocks are ahead of Redis's at the beginning."""

TAGS = (Tag("1.0"), Tag("2.0"))
SETTINGS = settings(policies_per_namespace=10, sweep_rate=10_000).model_copy(update={"late_window": math.inf})
"""Nothing is too late by Redis's clock."""


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


def restore_due(context: Context) -> None:
    """Do one step for each tag whose restore is due."""
    for claim in context.restores.claim(10):
        going_on: Claim | None = claim
        while going_on is not None:
            going_on = restore(context, going_on)


def keep_due(context: Context) -> None:
    """Fetch each manifest that is due to be kept."""
    for claim in context.keeps.claim(10):
        keep(context, claim)


def sweep_all(context: Context) -> None:
    """Compare what the registry holds with the ledger."""
    with scan_at_once(context) as scan:
        list(sweep_walk(context, scan, [APP], Checkpoint(context.timing.now()), lambda: None).run())


def record_all(context: Context) -> None:
    """Record what the registry holds, as when a policy begins to protect it."""
    with scan_at_once(context) as scan:
        list(baseline_walk(context, scan, [APP], Checkpoint(context.timing.now())).run())


def scan_at_once(context: Context) -> Scan:
    """A scan without threads, so that two runs of the same steps are the same."""
    rate_limit = context.rate_limits[MAIN].shared()
    return Scan(MAIN, context.registries[MAIN], context.ledger, rate_limit, context.timing, executor=Immediate)


Server = Callable[[], Callable[[], Redis]]
"""Empties a Redis and returns what connects to it."""


def in_memory() -> Callable[[], Redis]:
    """A Redis in memory, of a sequence's own."""
    return partial(FakeStrictRedis, server=FakeServer())


def run_pipeline(server: Server, sequences: int) -> None:
    """Run so many sequences of steps, in CI too others each time: parts that run side by side must differ."""
    size = hypothesis_settings(max_examples=sequences, stateful_step_count=STEPS, deadline=None, derandomize=False)
    run_state_machine_as_test(lambda: Pipeline(server), settings=size)


class Pipeline(RuleBasedStateMachine):
    """The machine; each sequence begins with an empty Redis."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        make_client = server()
        self.clock = Clock(LONG_AGO)

        def connect():
            client = make_client()
            RedisClock(client, self.clock)
            return client

        self.redis = connect()
        for task in Task:
            self.redis.set(task.flag, 1)  # nobody needs to be woken
        stores = Stores.open(SETTINGS, self.redis, clock=self.clock.read, new_id=self._id)
        self.store = stores.policies
        stores.credentials.note(MAIN, asks=True)
        self.approvals, self.unlocks = stores.approvals, stores.unlocks
        self.sources = Sources(self.redis)
        self.registry = LateRegistry(self._restored)
        timing = Timing(
            second_look=0, stale=0, now=self.clock.read, monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.interruptions, self.workers = [], []
        for number in range(2):
            client = connect()
            self.interruptions.append(Interruptions(client))
            pools = AtOnce() if number else None  # one answers what it judged at once, one leaves that to others
            context = Context(
                SETTINGS, client, consumer=f"worker-{number}", pools=pools, timing=timing, new_id=self._id
            )
            context.__dict__["registries"] = {MAIN: self.registry}
            self.workers.append(context)
        self.numbers = count()
        self.skews, self.shown = dict(SKEWS), None
        self.approved: dict[str, Did] = {}
        self.lacking: set[str] = set()
        self.said: list[Event] = []
        self.silent: list[Event] = []
        self.waiting = False  # for a drain
        self.regime = Regime()

    # What people do

    @initialize(pattern=PATTERNS, rule=RULES, shown=st.sampled_from([None, *SKEWS]))
    def begin(self, pattern, rule, shown):
        """The registry's own answers show the clock of one of its sources, or nothing."""
        self.shown = shown
        self._create(Policed(pattern, self.clock.read(), rule))

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
        self._say(deletion(self._id(), self.clock.read(), tag=tag, actor=actor))

    @rule(ticks=TICKS, digest=DIGEST, actor=ACTOR)
    def delete_digest(self, ticks, digest, actor):
        """Which breaks every tag that needs it."""
        self._wait(ticks)
        self.registry.delete(None, digest)
        self._say(deletion(self._id(), self.clock.read(), tag=None, digest=digest, actor=actor))

    # What operators do

    @rule(data=st.data(), pattern=PATTERNS, rule=RULES)
    def change_policies(self, data, pattern, rule):
        self._wait(1)
        current = self.regime.current
        is_new = not any(policed.pattern == pattern for policed in current.values())
        what = data.draw(st.sampled_from(["create", "select", "change", "change", "delete"]))
        if what == "create" and is_new:
            self._create(Policed(pattern, self.clock.read(), rule))
        elif current and (is_new or what != "select"):
            number = data.draw(st.sampled_from(sorted(current)))
            self._amend(number, self._amended(data, what, current[number], pattern, rule))

    def _amended(self, data, what, before, pattern, rule):
        if what == "delete":
            return None
        if what == "select":
            return replace(before, pattern=pattern, since=self.clock.read())
        disabled = data.draw(st.sampled_from([False, False, True]))
        since = self.clock.read() if before.disabled and not disabled else before.since
        bypass = data.draw(st.sampled_from([None, "root"]))
        return replace(before, rule=rule, bypass=bypass, disabled=disabled, since=since)

    @rule(data=st.data(), pattern=st.sampled_from(["*", "1.*", "2.0"]), ticks=st.integers(1, 10))
    def unlock(self, data, pattern, ticks):
        self._wait(1)
        if self.regime.unlocks and data.draw(st.booleans()):
            unlocked = data.draw(st.sampled_from(self.regime.unlocks))
            self.unlocks.lock(unlocked.id, "ops")
            unlocked.ends = min(unlocked.ends, self.clock.read())
            return
        wanted = Unlock.parse(
            MAIN, f"{APP}:{pattern}", seconds=ticks * TICK, now=self.clock.read(), by="ops", reason="repair"
        )
        self.regime.unlocks.append(Unlocked(self.unlocks.unlock(wanted).id, pattern, wanted.begins, wanted.ends))

    @rule(tag=TAG, digest=DIGEST)
    def approve(self, tag, digest):
        """At once judged, since it depends on the registry what it means."""
        self._wait(1)
        self._drain_all()
        event = self.approvals.approve(TagName(MAIN, APP, tag), digest, by="ops", reason="repair")
        action = "adopt" if digest in self.registry.known else "approve"
        children = CHILDREN[digest] if action == "adopt" else ()
        self.approved[event.id] = Did(event.time, action, digest, "ops", children)
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

    @precondition(lambda self: self.waiting)
    @rule(worker=WORKER, commands=COMMANDS, dies=st.booleans())
    def drain(self, worker, commands, dies):
        """Until it dies between two commands, or the other one does the same there."""
        self.waiting = self._is_killed(worker, drain, commands, dies=dies)

    @precondition(lambda self: self.workers[0].restores.is_due())
    @rule(worker=WORKER, commands=COMMANDS, dies=st.booleans())
    def restore(self, worker, commands, dies):
        self._is_killed(worker, restore_due, commands, dies=dies)

    @precondition(lambda self: self.workers[0].keeps.is_due())
    @rule(worker=WORKER, commands=COMMANDS, dies=st.booleans())
    def keep(self, worker, commands, dies):
        self._is_killed(worker, keep_due, commands, dies=dies)

    @rule(
        worker=WORKER, commands=COMMANDS, dies=st.booleans(), scan=st.sampled_from([sweep_all, sweep_all, record_all])
    )
    def scan(self, worker, commands, dies, scan):
        """Of what the registry holds by now, told or not."""
        if self._is_killed(worker, scan, commands, dies=dies):
            self.waiting = True  # for whoever judges what it had found

    @precondition(lambda self: self.silent)
    @rule()
    def lose(self):
        """The registry starts again, and has forgotten what it has not told yet."""
        self.silent.clear()

    @rule(source=st.sampled_from(list(SKEWS)), seconds=st.sampled_from([-90, -3, 3, 90]))
    def set_clock(self, source, seconds):
        self.skews[source] += seconds

    @rule(ticks=st.integers(1, 3))
    def wait(self, ticks):
        self._wait(ticks)

    # How it ends

    def teardown(self):
        self._end()
        self._wait(2)
        keep_due(self.workers[0])
        sweep_all(self.workers[0])
        self._end()
        did = self._did()
        for tag in TAGS:
            self._check(tag, did)
            self._check_registry(tag)

    def _end(self):
        for _ in range(100):
            self._announce(self.silent[::-1], 2)
            self._drain_all()
            if not len(self.workers[0].restores):
                assert not self.workers[0].log.waiting()
                return
            self._wait_for_restores()
            restore_due(self.workers[0])
        raise AssertionError("the restores do not end")

    def _check(self, tag, did):
        name = TagName(MAIN, APP, tag)
        model = Model(lambda what: self.regime.rules(tag, what))
        pushed = {entry.event.id: entry.event.pushed for entry in self.workers[0].ledger.history(name)}
        told = {each: self._told(each, tag, what) for each, (named, what) in did.items() if named in (tag, None)}
        model.take({each: what._replace(own=pushed.get(each, ())) for each, what in told.items()})
        record = self.workers[0].ledger.state(name).record
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

    def _check_registry(self, tag):
        """A sweep looks where a policy is: what that protects is put right, and the record of all else follows."""
        record = self.workers[0].ledger.state(TagName(MAIN, APP, tag)).record
        now = Did(self.clock.read(), "push", None)
        rules = self.regime.rules(tag, now)
        if any(rule.enforce for rule in rules) or (not rules and self.regime.has_policy):
            expected = record.digest if record and not record.deleted else None
            assert self.registry.held.get(tag) == expected

    # How it is done

    def _id(self):
        number = next(self.numbers)
        return f"event-{number * 7 % 10}-{number}"  # in another order than they happened

    def _push(self, tag, digest, actor, *, slow=False, bare=False):
        now = self.clock.read()
        self.registry.push(tag, digest, now.plus(TICK if slow else 0))
        self.registry.land(now)
        event = self._event(tag, digest, actor)
        self._say(replace(event, media_type="", children=()) if bare else event)

    def _restored(self, tag, digest):
        self._say(self._event(tag, digest, "enforcer"))

    def _event(self, tag, digest, actor):
        manifest = BY_DIGEST[digest]
        described = {"media_type": manifest.media_type, "children": CHILDREN[digest]}
        return push(self._id(), digest, self.clock.read(), tag=tag, actor=actor, **described)

    def _say(self, event):
        source = list(SKEWS)[next(self.numbers) % 7 % 3]
        event = replace(event, time=event.time.plus(self.skews[source]), source=source)
        if event.action is Action.PUSH and not event.media_type:
            self.lacking.add(event.id)
        self.silent.append(event)

    def _did(self):
        """All that was done, by the event's id, with the times that it has in the log where it first stands there.

        What a survey finds is something that was done like all else.
        """
        did = {}
        for event in map(Event.from_json, self.workers[0].log.archive()):
            told = Did(event.when, event.action.value, event.digest, event.actor, event.children)
            what = self.approved.get(event.id, told)._replace(
                time=event.when, arrived=event.arrived, is_ours=event.source == ENFORCER
            )
            did.setdefault(event.id, (event.tag, what))
        return did

    def _told(self, event_id, tag, what):
        """What was done, with what workers have read of it: they do where anything protects the tag, whoever did it."""
        is_read = event_id in self.lacking and self.regime.covers(tag, what)
        return what._replace(children=CHILDREN[what.digest]) if is_read else what

    def _announce(self, events, size):
        for start in range(0, len(events), size):
            self.workers[0].log.append(events[start : start + size])
            self.waiting = True
        told = {event.id for event in events}
        self.said += [event for event in self.silent if event.id in told]
        self.silent = [event for event in self.silent if event.id not in told]

    def _wait(self, ticks):
        self.clock.advance(ticks * TICK)
        self.registry.land(self.clock.read())
        if self.shown:
            self.sources.note_clock(MAIN, self.clock.read().plus(self.skews[self.shown]))

    def _wait_for_restores(self):
        due, claimed = (
            dict(self.redis.zrange(f"te:{{restore}}:{MAIN}:{each}", 0, -1, withscores=True))
            for each in ("due", "claimed")
        )
        self.clock.advance(max(0, min((due | claimed).values()) / 1000 - self.clock.now))
        self.registry.land(self.clock.read())

    def _drain_all(self):
        drain(self.workers[0])
        self.waiting = False

    def _is_killed(self, worker, work, commands, *, dies):
        def be_quicker():
            self._announce(self.silent[:3], 2)
            drain(self.workers[1 - worker])

        interruptions = self.interruptions[worker]
        interruptions.after(commands, die if dies else be_quicker)
        try:
            work(self.workers[worker])
        except Killed:
            note("killed")
            return True
        finally:
            interruptions.none()
        return False

    def _amend(self, number, after):
        if after is None:
            self.store.delete(number, "ops")
        else:
            self.store.change(number, lambda _: after.policy(), "ops")
        self.regime.change(number, after, self.clock.read())

    def _create(self, policed):
        self.regime.change(self.store.create(policed.policy(), "ops").id, policed, self.clock.read())
