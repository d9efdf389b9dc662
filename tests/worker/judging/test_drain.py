from __future__ import annotations

import logging
from dataclasses import replace
from itertools import count

import pytest
from fakeredis import FakeServer, FakeStrictRedis
from redis import ConnectionError, RedisError  # noqa: A004 - as the drain knows it

from enforcer.judgement.arrival import Arrival
from enforcer.judgement.record import Decision
from enforcer.judgement.violation import State
from enforcer.names import Tag, TagName
from enforcer.store import log as log_module
from enforcer.store.ledger import Ledger
from enforcer.store.limits import DRAIN_BUDGET
from enforcer.store.log import LOG, Log
from enforcer.store.wakeups import Task
from enforcer.times import Time
from tests.fakes.events import APP, MAIN, NAME, digest, push
from tests.fakes.faults import FaultyRedis
from tests.fakes.settings import policy_table, settings
from worker.context import Context
from worker.enforcement.keep import keep_item
from worker.judging.drain import Drain, drain
from worker.judging.effects import Effects
from worker.judging.judge import Judge

IMAGE = "application/vnd.oci.image.manifest.v1+json"


def pushed(number: int, event_id: str | None = None, **changes):
    return push(event_id or f"event-{number}", digest(number), media_type=IMAGE, **changes)


def decisions(context, name=NAME):
    return [entry.decision for entry in context.ledger.history(name)]


def test_everything_in_the_log_is_judged(context):
    """A drain judges all events, in batches, and says how many there were; none of them waits any more."""
    context.log.append([pushed(1), pushed(2)])
    context.log.append([pushed(3, tag=Tag("latest"))])
    assert drain(context) == 3
    assert decisions(context) == [Decision.RECORDED, Decision.OVERWRITTEN]
    assert context.log.waiting() == 0
    assert drain(context) == 0


def test_too_many_open_violations_are_told_once(context, caplog):
    """When open violations begin to be forgotten, people hear of it, and not at each that follows."""
    context.violations.most = 2
    context.log.append([pushed(1), pushed(2)])
    drain(context)
    assert "are forgotten" not in caplog.text
    for number in (3, 4):
        context.log.append([pushed(number)])
        drain(context)
    assert caplog.text.count("2 violations are open, and the oldest of them are forgotten from now on") == 1
    assert context.violations.count_open() == 2


@pytest.mark.parametrize("alert_recorded", [True, False])
def test_new_protected_tag_is_told_where_asked_for(redis, alert_recorded):
    """With `alert_recorded` the first push is an alert; the same again, or without the setting, is none."""
    alerts = {"webhook_url": "http://127.0.0.1:1/hook", "webhook_secret": "geheim", "alert_recorded": alert_recorded}
    given = settings(alerts=alerts, policies=[policy_table()])
    context = Context(given, redis, consumer="one")
    context.policies.apply_settings(given.policies)
    for _ in range(2):
        context.log.append([pushed(1)])
        drain(context)
    told = [claim.checkpoint for claim in context.alerts.queue.claim(10)]
    assert ["is protected as" in text for text in told] == ([True] if alert_recorded else [])


def test_an_overwrite_sets_everything_in_motion(context):
    """The original is to be kept, the violation is open, its tag is to be restored, and the workers are woken."""
    context.log.append([pushed(1), pushed(2)])
    drain(context)
    (violation,) = context.violations.get_open(NAME)
    assert (violation.recorded, violation.pushed) == (digest(1), digest(2))
    assert [claim.key for claim in context.restores.claim(10)] == [str(NAME)]
    assert [claim.key for claim in context.keeps.claim(10)] == [keep_item(MAIN, APP, digest(1))]
    assert {task: context.queues.of(task).count for task in (Task.KEEP, Task.RESTORE, Task.ALERT)} == {
        Task.KEEP: 1,
        Task.RESTORE: 1,
        Task.ALERT: 1,
    }


def test_an_unprotected_tag_sets_nothing_in_motion(context):
    """What no policy protects may be moved: nothing is kept, nothing restored."""
    latest = {"tag": Tag("latest")}
    context.log.append([pushed(1, **latest), pushed(2, **latest)])
    drain(context)
    assert (len(context.keeps), len(context.restores), list(context.violations.newest())) == (0, 0, [])
    assert context.ledger.state(TagName(MAIN, APP, Tag("latest"))).record.digest == digest(2)


def test_what_somebody_may_push_is_kept(make_context):
    """What replaces an original because its pusher is exempt is protected from all others, so it is kept as well."""
    context = make_context(policies=[policy_table(bypass_actors=["release"])])
    context.stores.credentials.note(MAIN, asks=True)
    context.log.append([pushed(1), pushed(2, actor="release")])
    drain(context)
    assert decisions(context) == [Decision.RECORDED, Decision.MOVED]
    assert {claim.key for claim in context.keeps.claim(10)} == {keep_item(MAIN, APP, digest(n)) for n in (1, 2)}


def test_an_observing_policy_is_told_at_once(make_context):
    """Under an observing policy nothing is restored and people are told once, however often the event comes."""
    context = make_context(policies=[policy_table(mode="observe")])
    original, overwrite = pushed(1), pushed(2)
    for _ in range(3):
        context.log.append([original, overwrite])
        drain(context)
    (violation,) = context.violations.newest()
    assert violation.state is State.OBSERVED
    assert len(context.restores) == 0
    (claim,) = context.alerts.queue.claim(10)
    assert (claim.generation, "only observes" in claim.checkpoint) == (1, True)


def test_a_batch_asks_once_for_each_tag(context):
    """Ten overwrites of a tag that are judged together are one request, and so one restore."""
    context.log.append([pushed(number) for number in range(11)])
    drain(context)
    assert context.restores.generation(str(NAME)) == 1
    assert len(context.violations.get_open(NAME)) == 10


def test_what_is_judged_again_asks_for_nothing(context):
    """A batch that comes again, since its drain died before it said so, changes nothing and asks for nothing anew."""
    context.log.append([pushed(1), pushed(2)])
    batch = next(context.log.batches(context.consumer))
    for _ in range(3):
        Drain.of(context).judge(batch)
    assert context.restores.generation(str(NAME)) == 1
    assert len(list(context.violations.newest())) == 1
    assert decisions(context) == [Decision.RECORDED, Decision.OVERWRITTEN]


def test_judged_anew_before_it_was_open(context):
    """What another worker found to be none, while this one had not opened it yet, is no violation in the end."""
    now = Time.now()
    judge = Judge(context.ledger, context.policies.current(), 600)

    def decide(number, seconds):
        event = pushed(number, f"{number} at {seconds}".replace(" ", "-"), time=now.plus(seconds))
        return list(judge.judge([Arrival(event, now.plus(10))]))

    Effects.of(context).apply(decide(1, 0))
    ours = decide(2, 1)
    Effects.of(context).apply(decide(2, -1))  # it was there first, so the other one is the violation
    Effects.of(context).apply(ours)

    found = [found for found in context.violations.newest() if found.state is not State.WITHDRAWN]
    assert [(each.event_id, each.recorded) for each in found] == [("1-at-0", digest(2))]


def test_withdrawn_by_one_who_was_overtaken(context):
    """What another worker found to be a violation, while this one still takes it for the original, stays one."""
    now = Time.now()
    judge = Judge(context.ledger, context.policies.current(), 600)

    def decide(number, seconds):
        event = pushed(number, f"{number}-at-{seconds}", time=now.plus(seconds))
        return list(judge.judge([Arrival(event, now.plus(10))]))

    decide(2, 2)
    ours = decide(2, 0)  # the same earlier: the other one is judged anew, and no violation
    Effects.of(context).apply(decide(1, -1))  # this was before both
    Effects.of(context).apply(ours)

    found = {(found.event_id, found.recorded) for found in context.violations.newest()}
    assert found == {("2-at-0", digest(1)), ("2-at-2", digest(1))}


def test_entries_that_are_no_events_are_buried(context, redis, caplog):
    """An entry that nobody can read is kept as a dead letter, said aloud, and holds nothing up."""
    redis.xadd(LOG, {"event": b"\xffnonsense"})
    context.log.append([pushed(1)])
    assert drain(context) == 2
    (letter,) = context.log.dead_letters()
    assert (letter.registry, letter.body) == ("unknown", b"\xffnonsense")
    assert decisions(context) == [Decision.RECORDED]
    assert "is no event" in caplog.text
    assert context.log.waiting() == 0


def test_a_batch_stays_while_redis_is_away(context, redis):
    """An event leaves the log only after its decision is in the ledger."""
    context.log.append([pushed(1)])

    class AwayLedger(Ledger):
        def situations(self, names):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        replace(Drain.of(context), ledger=AwayLedger(redis)).run()
    assert context.log.waiting() == 1
    assert drain(context) == 1
    assert decisions(context) == [Decision.RECORDED]


def test_an_event_that_cannot_be_judged_holds_up_no_other(context, redis):
    """A fault of ours that one event brings to light moves that one to the dead letters, and the rest is judged."""
    context.log.append([pushed(1), pushed(2, tag=Tag("poison")), pushed(1, "again")])

    class FaultyLedger(Ledger):
        def situations(self, names):
            if any(name.tag == "poison" for name in names):
                raise ZeroDivisionError
            return super().situations(names)

    assert replace(Drain.of(context), ledger=FaultyLedger(redis)).run() == 3
    assert context.log.waiting() == 0
    (letter,) = context.log.dead_letters()
    assert letter.reason == "cannot be judged: ZeroDivisionError"
    assert b"poison" in letter.body
    assert decisions(context) == [Decision.RECORDED, Decision.UNCHANGED]


def test_a_long_backlog_makes_room(context, monkeypatch):
    """A drain ends after a while and leaves the rest to the next job, which it enqueues."""
    monkeypatch.setattr(log_module, "BATCH", 2)
    seconds = count(step=DRAIN_BUDGET)
    hurried = replace(Drain.of(context), clock=lambda: float(next(seconds)))
    context.log.append([pushed(number) for number in range(10)])
    assert hurried.run() == 4
    assert context.log.waiting() == 6
    assert context.queues.of(Task.DRAIN).count == 0  # the receiver's flag is up: its job is on its way
    context.queues.clear_wakeup(Task.DRAIN)
    assert hurried.run() == 4
    assert context.queues.of(Task.DRAIN).count == 1


def test_two_drains_side_by_side(context, make_context, monkeypatch):
    """Events that another drain took are judged by that one; what is left out of order ends the same."""
    monkeypatch.setattr(log_module, "BATCH", 1)
    context.log.append([pushed(1), pushed(2)])
    first = next(context.log.batches("host-2"))
    assert drain(context) == 1
    assert decisions(context) == [Decision.RECORDED]
    other = make_context()
    other.consumer = "host-2"
    assert [arrival.event.id for arrival in first] == ["event-1"]
    assert drain(other) == 1
    assert decisions(context) == [Decision.CORRECTED, Decision.OVERWRITTEN]


def test_a_late_original_withdraws_its_violation(context, redis_clock):
    """What was taken for the original and for a violation change places: the tag is restored to the older one."""
    now = redis_clock.read()
    redis_clock.advance(2)
    context.log.append([pushed(3)])
    drain(context)
    context.log.append([pushed(1, time=now, source="a-process")])
    drain(context)
    (violation,) = context.violations.newest()
    assert (violation.pushed, violation.recorded, violation.state) == (digest(3), digest(1), State.OPEN)
    assert context.restores.generation(str(NAME)) == 1


def test_an_even_older_original_renews_the_violation(context, redis_clock):
    """When the record changes once more, a violation of the old one is open again, and the tag is restored again."""
    now = redis_clock.read()
    Log(context.redis).append([pushed(9, "heard-of-too", tag=Tag("other"), time=now, source="another")])
    redis_clock.advance(2)
    context.log.append([pushed(3)])
    drain(context)
    context.log.append([pushed(1, time=now.plus(1), source="a-process")])
    drain(context)
    (violation,) = context.violations.newest()
    context.violations.update(violation.closed_as(State.RESTORED, Time.now(), exposure=5))
    (claim,) = context.restores.claim(1)
    context.restores.done(claim)
    context.log.append([pushed(7, time=now.plus(0.5), source="another")])
    drain(context)
    found = {each.pushed: each for each in context.violations.newest()}
    assert {pushed: each.recorded for pushed, each in found.items()} == {digest(3): digest(7), digest(1): digest(7)}
    assert {each.state for each in found.values()} == {State.OPEN}
    assert context.restores.generation(str(NAME)) > 0


def test_a_violation_that_is_none_any_more(context, redis_clock):
    """A digest that turns out to be the original is no violation: one that nobody was told of is forgotten."""
    now = redis_clock.read()
    redis_clock.advance(2)
    context.log.append([pushed(1), pushed(2)])
    drain(context)
    (violation,) = context.violations.get_open(NAME)
    context.violations.update(replace(violation, told=False))
    context.log.append([pushed(2, "early", time=now, source="a-process")])
    drain(context)
    states = {each.pushed: each.state for each in context.violations.newest()}
    assert states == {digest(1): State.OPEN}


def test_it_is_said_that_a_violation_is_none_any_more(context, redis_clock):
    """A violation that people were told of is withdrawn, and they are told that too."""
    now = redis_clock.read()
    redis_clock.advance(2)
    context.log.append([pushed(1), pushed(2)])
    drain(context)
    (violation,) = context.violations.get_open(NAME)
    assert violation.told
    context.log.append([pushed(2, "early", time=now, source="a-process")])
    drain(context)
    assert context.violations.get(violation.id).state is State.WITHDRAWN
    assert any("withdrawn" in claim.checkpoint for claim in context.alerts.queue.claim(10))


def outcome(context) -> tuple[object, ...]:
    """All that a drain decides and sets in motion."""
    return (
        decisions(context),
        context.ledger.state(NAME).record.digest,
        [(each.recorded, each.pushed, each.state) for each in context.violations.get_open(NAME)],
        [claim.key for claim in context.restores.claim(10)],
        [claim.key for claim in context.keeps.claim(10)],
        context.log.waiting(),
        len(list(context.log.dead_letters())),
    )


def test_a_drain_that_dies_between_any_two_commands(caplog):
    """Wherever a drain dies, the next one leaves the same record, violation, restore and keeping behind."""
    caplog.set_level(logging.CRITICAL)
    expected = None
    for commands in count():
        server = FakeServer()
        redis = FakeStrictRedis(server=server)
        given = settings(policies=[policy_table()])
        context = Context(given, redis, consumer="host-1")
        context.policies.apply_settings(given.policies)
        context.log.append([pushed(1), pushed(2)])
        redis.xadd(LOG, {"event": "nonsense"})
        faulty = FaultyRedis(server, commands)
        try:
            drain(Context(given, faulty.redis, consumer="host-1"))
        except RedisError:
            assert faulty.died
        drain(context)
        found = outcome(context)
        assert found[5] == 0
        if expected is None:
            expected = found[:5]
        assert found[:5] == expected, f"after {commands} commands"
        assert found[6] >= 1
        if not faulty.died:
            break
    assert commands > 10
