from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from enforcer.alerts.message import Alert
from enforcer.events import Event
from enforcer.judgement.violation import Violation, violation_id
from enforcer.manifests import OCI_INDEX, OCI_MANIFEST, digest_of
from enforcer.names import Digest
from enforcer.store.workqueue import Claim
from enforcer.times import Time
from tests.fakes.clock import Clock
from tests.fakes.events import APP, MAIN, NAME, deletion, push
from tests.fakes.images import image
from tests.fakes.registry import FakeRegistry
from tests.fakes.scans import HASTY
from tests.fakes.settings import policy_table, registry_table, settings
from worker.context import Context, Timing
from worker.enforcement.keep import keep
from worker.enforcement.restore import restore
from worker.judging.drain import drain

HOOK = {"webhook_url": "http://127.0.0.1:1/hook", "webhook_secret": "geheim"}


class Scene:
    """A registry whose tag `team/app:1.0` is protected, a worker, and a clock that stands still between its steps."""

    def __init__(self, context: Context, registry: FakeRegistry, clock: Clock) -> None:
        self.context = context
        self.registry = registry
        self.clock = clock
        self.events = 0

    def record(self, content: bytes = image("original"), *, media_type: str = "", kept: bool = True) -> Digest:
        """Somebody pushes the original; its manifest is kept, unless a test needs it not to be."""
        self._push(content, "ci", media_type)
        if kept:
            self.keep_all()
        return digest_of(content)

    def let_settle(self) -> None:
        """An operator lets new tags settle."""
        (policy,) = self.context.policies.current()
        self.context.policies.change(policy.id, lambda policy: replace(policy, settle=120), "ops")

    def overwrite(self, content: bytes = image("other"), actor: str = "mallory") -> Violation:
        """Somebody overwrites the tag, and the registry says so; returns the violation that it is."""
        return self._violation(self._push(content, actor))

    def announce(self, content: bytes = image("other")) -> Violation:
        """The registry says that somebody overwrites the tag, which is not written yet."""
        event = push(self._id(), Digest.of(content), self.now(), actor="mallory")
        self.tell(event)
        return self._violation(event)

    def delete(self) -> Violation:
        """Somebody deletes the tag."""
        self.registry.delete_manifest(APP, NAME.tag)
        event = deletion(self._id(), self.now())
        self.tell(event)
        return self._violation(event)

    def tell(self, *events: Event) -> None:
        """The registry sends these events, and they are judged."""
        self.context.log.append(events)
        drain(self.context)

    def now(self) -> Time:
        """Now, and yet later than every event before."""
        self.events += 1
        return Time.from_nanoseconds(self.clock.time_ns() + self.events * 1000)

    def step(self) -> int:
        """Do what is due of the restores, each once; returns how many there were. Begins a new log of requests."""
        self.registry.requests.clear()
        breakers = self.context.breakers
        room = int(breakers.take_probe(MAIN)) if breakers.is_away(MAIN) else 10
        claims = self.context.restores.claim(room) if room else []
        for claim in claims:
            going_on: Claim | None = claim
            while going_on is not None:
                going_on = restore(self.context, going_on)
        return len(claims)

    def next_step(self) -> float:
        """Let time go on until a restore is due, and do it; returns how many seconds that took."""
        before = self.clock.now
        due = self.context.redis.zrange("te:{restore}:main:due", 0, 0, withscores=True)
        assert due, "there is nothing in the queue"
        outage = self.context.stores.outages.find(MAIN)
        self.clock.advance(max(0, max(due[0][1], outage.next_probe if outage else 0) / 1000 - before))
        assert self.step() == 1
        return round(self.clock.now - before, 3)

    def finish(self) -> None:
        """Let time go on until the tag is restored."""
        for _ in range(50):
            if not len(self.context.restores):
                return
            self.next_step()
        pytest.fail("the restore does not end")

    def keep_all(self) -> None:
        """Fetch all manifests that are to be kept, those that follow from others included."""
        while claims := self.context.keeps.claim(10):
            for claim in claims:
                keep(self.context, claim)

    @property
    def methods(self) -> list[str]:
        """What the last step asked of the registry."""
        return [method for method, _ in self.registry.requests]

    @property
    def digest(self) -> Digest | None:
        """What the registry holds."""
        return self.registry.tag_digest(APP, NAME.tag)

    def violation(self, before: Violation) -> Violation:
        """What became of a violation."""
        found = self.context.violations.get(before.id)
        assert found is not None
        return found

    def alerts(self) -> list[Alert]:
        """What people are told since the last time."""
        queue = self.context.alerts.queue
        claims = queue.claim(1000)
        for claim in claims:
            queue.done(claim)
        return [Alert.from_json(claim.checkpoint) for claim in claims]

    def told(self) -> list[str]:
        """The outcomes that people are told since the last time."""
        return [alert.details["outcome"] for alert in self.alerts()]

    def _push(self, content: bytes, actor: str, media_type: str = "") -> Event:
        media_type = media_type or (OCI_INDEX if b'"manifests"' in content else OCI_MANIFEST)
        digest = self.registry.put_manifest(APP, NAME.tag, content, media_type)
        event = push(self._id(), digest, self.now(), media_type=media_type, actor=actor)
        self.tell(event)
        return event

    def _id(self) -> str:
        return f"event-{self.events}"

    def _violation(self, event: Event) -> Violation:
        found = self.context.violations.get(violation_id(event))
        assert found is not None, "that is no violation"
        return found


@pytest.fixture
def clock(redis) -> Clock:
    """The clock that work queues and restores go by."""
    clock = Clock(time.time() + 1)
    redis.clock.clock = clock
    return clock


@pytest.fixture
def registry():
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def make_context(redis, registry) -> Callable[..., Context]:
    """Make the context of a worker with these changes of the settings, whose policies are in force."""

    def make(*, timing: Timing = HASTY, **changes: object) -> Context:
        defaults = {"registries": {"main": registry_table(registry.url)}, "policies": [policy_table()], "alerts": HOOK}
        given = settings(**defaults | changes)
        context = Context(given, redis, consumer="host-1", timing=replace(timing, now=redis.clock.read))
        context.policies.apply_settings(given.policies)
        return context

    return make


@pytest.fixture
def context(make_context) -> Context:
    return make_context()


@pytest.fixture
def scene(context, registry, clock) -> Scene:
    return Scene(context, registry, clock)
