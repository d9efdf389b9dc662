from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from enforcer.store import log as log_module
from enforcer.store.limits import WAKE
from enforcer.store.log import DEAD_LETTERS, EXCERPT, LOG, DeadLetter, Log
from enforcer.store.wakeups import Task
from enforcer.times import Time
from tests.fakes.events import digest, push


@pytest.fixture
def log(redis):
    return Log(redis)


def events(*numbers: int):
    return [push(f"event-{number}", digest(number)) for number in numbers]


def ids(batch):
    return [arrival.event.id for arrival in batch]


def claim(redis, consumer: str, count: int):
    """A consumer that reads and dies before it judged; a left-over that nobody gave back."""
    return redis.xreadgroup("drain", consumer, {LOG: ">"}, count=count)


def test_append_keeps_events_in_order(log):
    """What was appended comes back as it was, in the order in which it was accepted."""
    given = events(1, 2, 3)
    log.append(given[:2])
    log.append(given[2:])
    (batch,) = log.batches("a")
    assert [replace(entry.event, arrived=None, at=None) for entry in batch] == given
    assert [entry.event.arrived for entry in batch] == [entry.time for entry in batch]
    assert all(first.time < second.time for first, second in pairwise(batch))


def test_arrival_has_the_time_of_acceptance(log):
    """An arrival's time is when the receiver accepted the event, whoever judges it whenever."""
    before = Time.from_milliseconds(time.time_ns() // 1_000_000)
    log.append(events(1))
    ((arrival,),) = log.batches("a")
    assert before <= arrival.time <= Time.now()


def test_event_that_is_sent_again(monkeypatch, redis, log):
    """It is in the log once, where it was first, as long as it is among the latest of its registry."""
    monkeypatch.setattr(log_module, "LATEST", 3)
    given = events(1, 2, 3, 4)
    first = log.accept(given[:3])
    assert log.accept(given[:1]).events == first.events[:1]
    assert redis.xlen(LOG) == 3
    log.append(given[3:])
    assert log.accept(given[:1]).events != first.events[:1]
    assert redis.xlen(LOG) == 5


def test_append_asks_for_one_drain(redis, log):
    """Only the first append after a drain lowered the flag must enqueue one; the flag lasts a bounded time."""
    assert [log.append(events(number)) for number in range(3)] == [True, False, False]
    assert 0 < redis.ttl(Task.DRAIN.flag) <= WAKE
    redis.delete(Task.DRAIN.flag)
    assert log.append(events(9)) is True


def test_batches_read_all_in_parts(monkeypatch, log):
    """A log longer than a batch is read batch by batch, each event once."""
    monkeypatch.setattr(log_module, "BATCH", 2)
    log.append(events(1, 2, 3, 4, 5))
    read = []
    for batch in log.batches("a"):
        read.append(ids(batch))
        log.acknowledge(batch)
    assert read == [["event-1", "event-2"], ["event-3", "event-4"], ["event-5"]]
    assert list(log.batches("a")) == []


def test_consumers_share_the_log(monkeypatch, log):
    """Two drains side by side get different events."""
    monkeypatch.setattr(log_module, "BATCH", 2)
    log.append(events(1, 2, 3, 4))
    assert ids(next(log.batches("a"))) == ["event-1", "event-2"]
    assert ids(next(log.batches("b"))) == ["event-3", "event-4"]


def test_own_left_overs_come_first(log):
    """What a consumer had read before it died is what the process in its place reads first."""
    log.append(events(1, 2))
    assert ids(next(log.batches("a"))) == ["event-1", "event-2"]
    log.append(events(3))
    batches = log.batches("a")
    first = next(batches)
    assert ids(first) == ["event-1", "event-2"]
    log.acknowledge(first)
    assert ids(next(batches)) == ["event-3"]


def test_an_acknowledged_event_is_read_by_nobody(log):
    """An event that is judged does not come again, to whichever consumer."""
    log.append(events(1))
    log.acknowledge(next(log.batches("a")))
    assert list(log.batches("a")) == list(log.batches("b")) == []


def test_acknowledging_nothing_is_nothing(log):
    """An empty batch needs no Redis."""
    log.acknowledge([])


def test_fresh_claims_of_others_are_left_alone(log):
    """What another consumer read a moment ago is its own."""
    log.append(events(1))
    next(log.batches("a"))
    assert list(log.batches("b")) == []


def test_stale_claims_are_taken_over(redis, log):
    """What a dead consumer had read is taken over, before anything new, and only once."""
    log.append(events(1, 2))
    next(log.batches("dead"))
    log.append(events(3))
    batches = Log(redis, stale=0).batches("b")
    stale = next(batches)
    assert ids(stale) == ["event-1", "event-2"]
    log.acknowledge(stale)
    assert ids(next(batches)) == ["event-3"]


class ShortSighted:
    """A Redis that looks at no more than ten times `count` pending entries for one XAUTOCLAIM, as the real one does."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def __getattr__(self, name: str):
        return getattr(self._redis, name)

    def xautoclaim(self, name, group, consumer, idle, *, start_id="0-0", count=100):
        seen = self._redis.xpending_range(name, group, start_id, "+", 10 * count)
        if len(seen) < 10 * count or any(entry["time_since_delivered"] >= idle for entry in seen):
            return self._redis.xautoclaim(name, group, consumer, idle, start_id=start_id, count=count)
        milliseconds, _, sequence = seen[-1]["message_id"].decode().partition("-")
        return [f"{milliseconds}-{int(sequence) + 1}".encode(), [], []]


def test_stale_claims_behind_many_fresh_ones_are_found(monkeypatch, redis, log):
    """A dead consumer's claim is found behind those of many live ones."""
    log.open()
    log.append(events(*range(30)))
    claim(redis, "busy", 29)
    ((_, ((last, _),)),) = claim(redis, "dead", 1)
    redis.xclaim(LOG, "drain", "dead", 0, [last], idle=60_000)
    monkeypatch.setattr(log_module, "BATCH", 1)
    log._redis = ShortSighted(redis)
    assert ids(next(log.batches("b"))) == ["event-29"]


def test_unreadable_entries_come_without_an_event(redis, log):
    """Whatever somebody put into the stream arrives as it stands, to be buried, and stops nothing."""
    redis.xadd(LOG, {"event": b"\xff{"})
    redis.xadd(LOG, {"other": "field"})
    redis.xadd(LOG, {"event": "[]"})
    redis.xadd(LOG, {"event": '{"registry": "main"}'})
    redis.xadd(LOG, {"event": "[" * 100_000})
    log.append(events(1))
    (batch,) = log.batches("a")
    assert [arrival.event and arrival.event.id for arrival in batch] == [None] * 5 + ["event-1"]
    assert [arrival.text[:4] for arrival in batch[:5]] == [b"\xff{", b"", b"[]", b'{"re', b"[[[["]


def test_an_entry_deleted_while_pending_comes_without_an_event(redis, log):
    """An entry that somebody removed by hand after it was read does not stop its reader."""
    log.append(events(1))
    (arrival,) = next(log.batches("a"))
    redis.xdel(LOG, arrival.entry_id)
    (again,) = next(log.batches("a"))
    assert (again.entry_id, again.event) == (arrival.entry_id, None)


def test_open_twice_keeps_the_place(log):
    """Making the group again neither fails nor reads again what was read."""
    log.append(events(1))
    log.acknowledge(next(log.batches("a")))
    log.open()
    assert list(log.batches("a")) == []


def test_open_does_not_hide_other_errors(redis, log):
    """A key of another type under the log's name is an error, not a group that is there already."""
    redis.set(LOG, "something")
    with pytest.raises(Exception, match="WRONGTYPE"):
        log.open()


def test_waiting_counts_what_is_not_judged(log):
    """An event waits from its acceptance until it is acknowledged, before there is a group and after."""
    assert log.waiting() == 0
    log.append(events(1, 2, 3))
    assert log.waiting() == 3
    batch = next(log.batches("a"))
    assert log.waiting() == 3
    log.acknowledge(batch[:2])
    assert log.waiting() == 1


def test_letters_are_listed_newest_first(log):
    """A dead letter comes back with its registry, reason, bytes and the time when it came."""
    before = Time.from_milliseconds(time.time_ns() // 1_000_000)
    log.dead_letter([DeadLetter("main", "no JSON", b"\xff\0"), DeadLetter("other", "no 'events'", b"{}")])
    second, first = log.dead_letters()
    assert (first.registry, first.reason, first.body) == ("main", "no JSON", b"\xff\0")
    assert second.reason == "no 'events'"
    assert first.time is not None
    assert before <= first.time <= Time.now()
    assert [letter.registry for letter in log.dead_letters(limit=1)] == ["other"]


def test_a_letter_that_is_not_sent_has_no_time():
    """Before it is in Redis a dead letter has no time."""
    assert DeadLetter("main", "no JSON", b"").time is None


def test_letters_are_bounded_in_number(redis):
    """Beyond the limit the oldest dead letters go."""
    log = Log(redis, dead_letters=3)
    log.dead_letter(DeadLetter("main", str(number), b"") for number in range(5))
    assert [letter.reason for letter in log.dead_letters()] == ["4", "3", "2"]


def test_letters_are_bounded_in_size(redis, log):
    """Of a long notification the beginning is kept, and its size."""
    log.dead_letter([DeadLetter("main", "too long", b"x" * (EXCERPT + 1))])
    (letter,) = log.dead_letters()
    assert len(letter.body) == EXCERPT
    ((_, fields),) = redis.xrange(DEAD_LETTERS)
    assert int(fields[b"size"]) == EXCERPT + 1


def fill(redis, count: int, *, age: float = 0) -> None:
    """So many events that came so many seconds ago, spread over as many milliseconds."""
    first = time.time_ns() // 1_000_000 - round(age * 1000) - count
    with redis.pipeline(transaction=False) as pipe:
        for number in range(count):
            pipe.xadd(LOG, {"event": push(f"event-{number}", digest(number)).to_json()}, id=f"{first + number}-0")
        pipe.execute()


def judge_all(log):
    for batch in log.batches("a"):
        log.acknowledge(batch)


def test_trim_by_age(redis, log):
    """What is judged and older than the archive may be goes, the rest stays."""
    fill(redis, 500, age=86_400 * 3)
    log.append(events(*range(50)))
    judge_all(log)
    log.trim(days=2, events=1_000_000)
    assert 50 <= redis.xlen(LOG) < 50 + 100  # Redis drops whole nodes of up to 100 entries


def test_trim_by_count(redis, log):
    """Beyond so many events the oldest judged ones go, all of them at once."""
    fill(redis, 800)
    judge_all(log)
    log.trim(days=30, events=300)
    assert 300 <= redis.xlen(LOG) < 300 + 100


def test_trim_by_count_however_many_there_are(monkeypatch, redis, log):
    """The surplus is looked at in parts, and all of it goes: an archive does not outgrow its limit."""
    monkeypatch.setattr(log_module, "SURPLUS", 200)
    fill(redis, 1000)
    judge_all(log)
    log.trim(days=30, events=300)
    assert 300 <= redis.xlen(LOG) < 300 + 200


def test_trim_leaves_what_fits(redis, log):
    """An archive within both limits stays whole."""
    fill(redis, 500, age=86_400)
    judge_all(log)
    log.trim(days=2, events=500)
    assert redis.xlen(LOG) == 500


class Measuring:
    """A Redis that tells the size of a stream, which the fake does not."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def __getattr__(self, name: str):
        return getattr(self._redis, name)

    def memory_usage(self, key: str, samples: int) -> int:
        assert samples == 0  # else it is a guess
        return sum(len(fields[b"event"]) for _, fields in self._redis.xrange(key))


def test_trim_by_bytes(redis, log):
    """Beyond so many bytes the oldest judged ones go, whatever the number of events."""
    fill(redis, 1000)
    judge_all(log)
    log._redis = Measuring(redis)
    whole = log.used()
    log.trim(days=30, events=1_000_000, size=whole // 4)
    assert redis.xlen(LOG) < 250 + 100
    assert redis.xlen(LOG) >= 250


def test_trim_by_bytes_leaves_what_is_not_judged(redis, log):
    """An event that is not judged stays, whatever it takes."""
    fill(redis, 500)
    log.open()
    log._redis = Measuring(redis)
    log.trim(days=30, events=1_000_000, size=1)
    assert log.waiting() == 500


def test_trim_reads_little_at_a_time(redis, log, monkeypatch):
    """Of large events no more are read at once than fit the memory of who trims."""
    fill(redis, 1000)
    judge_all(log)
    log._redis = Measuring(redis)
    monkeypatch.setattr(log_module, "SURPLUS_BYTES", log.used() // 5)
    counts = []
    monkeypatch.setattr(log_module.Log, "_trim_before", lambda *_: 0)
    monkeypatch.setattr(
        Measuring,
        "xrange",
        lambda self, key, count=None: counts.append(count) or self._redis.xrange(key, count=count),
        raising=False,
    )
    log.trim(days=30, events=1, size=1)
    assert counts == [201]


def test_a_full_redis_can_be_trimmed(redis, log):
    """A Redis without room refuses to make the group that it has: what is to make room goes on."""
    fill(redis, 300)
    judge_all(log)

    class Full(Measuring):
        def xgroup_create(self, *_, **__):
            raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    log._redis = Full(redis)
    log.trim(days=30, events=100)
    assert redis.xlen(LOG) < 100 + 100


@pytest.mark.parametrize("read", [0, 250], ids=["unread", "read by a consumer that died"])
def test_trim_never_removes_unjudged(redis, log, read):
    """An event that is not judged stays, whatever its age and however many there are."""
    fill(redis, 1000, age=86_400 * 90)
    batches = log.batches("judging")
    for _ in range(2):
        log.acknowledge(next(batches))
    if read:
        claim(redis, "dead", read)
    log.trim(days=1, events=1)
    assert log.waiting() == 600
    left = [json.loads(fields[b"event"])["id"] for _, fields in redis.xrange(LOG)]
    assert left[-600:] == [f"event-{number}" for number in range(400, 1000)]
    assert len(left) < 600 + 100


class Racing:
    """A Redis in which a drain reads everything just before one certain command."""

    def __init__(self, redis: Redis, moment: int) -> None:
        self._redis = redis
        self._commands_left = moment

    def __getattr__(self, name: str):
        if name.startswith("x"):
            self._commands_left -= 1
            if self._commands_left == 0:
                claim(self._redis, "racing", 1000)
        return getattr(self._redis, name)


@pytest.mark.parametrize("moment", range(1, 8))
def test_trim_never_removes_what_is_read_meanwhile(redis, log, moment):
    """A drain that reads while the archive is shortened finds all that it read when it comes to judge it."""
    fill(redis, 300)
    log.open()
    log._redis = Racing(redis, moment)
    log.trim(days=30, events=1)
    assert redis.xlen(LOG) == 300


def test_trim_of_an_empty_redis(redis, log):
    """A Redis that lost everything is no error: there is nothing to trim."""
    log.trim(days=1, events=1)
    assert log.waiting() == 0
