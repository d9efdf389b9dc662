"""What policies cost: judging with 10,000 of them, each in a namespace of its own, beside judging with one.

    python -m benchmarks.policies

The same events are judged, batch by batch as a drain does, with one policy and with many by turns; both sets have the
policy of the namespace that the events are about. Then policies are changed, while another process judges without a
pause: how long does it take until that one goes by the change?
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from redis import Redis

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.policies.declaration import PolicySettings
from enforcer.store.ledger import Ledger
from enforcer.store.log import BATCH
from enforcer.store.policies import PolicyStore
from enforcer.times import Time
from tests.integration.servers import start_redis
from worker.judging.judge import Judge

MANY = 10_000
LATE_WINDOW = 600
NAMESPACE = "n0"
PLACES = {1: 0, MANY: 1}
"""Which Redis database holds so many policies."""

LEDGERS = {1: 2, MANY: 3}
"""Which one holds the ledger of what is judged by them, emptied before each round."""


def database(port: int, number: int) -> Redis:
    return Redis(port=port, db=number)


def cases(count: int) -> list[Arrival]:
    """Pushes to 100 repositories: of ten pushes to a tag nine are of the same digest, so that violations are few."""
    start = Time.now().plus(-60)
    made = []
    for number in range(count):
        tag, push = divmod(number, 10)
        event = Event(
            registry=RegistryName("main"),
            action=Action.PUSH,
            repository=Repository(f"{NAMESPACE}/app{tag % 100}"),
            tag=Tag(f"v{tag}"),
            digest=Digest.of(f"{tag} {push == 9}".encode()),
            time=start.plus(number / 1000),
            id=str(number),
        )
        made.append(Arrival(event, event.time))
    return made


def declare(port: int, count: int) -> None:
    """Put so many policies into their database."""
    declared = [
        PolicySettings.model_validate(
            {
                "registry": "main",
                "namespace": f"n{number}",
                "repositories": {"decoration": "repoMatches", "pattern": "{app*,team/**}"},
                "tags": {"decoration": "excludes", "pattern": "{latest,dev-*}"},
            }
        )
        for number in range(count)
    ]
    with database(port, PLACES[count]) as redis:
        PolicyStore(redis).apply_settings(declared)


def judge(ledger: Ledger, policies: PolicyStore, batch: list[Arrival]) -> float:
    """Judge a batch; returns the seconds that it took."""
    begun = time.perf_counter()
    for _ in Judge(ledger, policies.current(), LATE_WINDOW).judge(batch):
        pass
    return time.perf_counter() - begun


def compare(port: int, events: list[Arrival], rounds: int) -> None:
    """Judge every batch with one policy and with many by turns, and print the ratio."""
    seconds: dict[int, list[float]] = {count: [] for count in PLACES}
    with ExitStack() as stack:
        ledgers = {count: stack.enter_context(database(port, LEDGERS[count])) for count in PLACES}
        stores = {count: PolicyStore(stack.enter_context(database(port, PLACES[count]))) for count in PLACES}
        for turn in range(-1, rounds):  # the first reads and compiles the policies, and counts for nothing
            for ledger in ledgers.values():
                ledger.flushdb()
            taken = dict.fromkeys(PLACES, 0.0)
            for at in range(0, len(events), BATCH):
                for count in sorted(PLACES, reverse=(turn + at // BATCH) % 2 == 1):
                    taken[count] += judge(Ledger(ledgers[count]), stores[count], events[at : at + BATCH])
            for count in PLACES if turn >= 0 else ():
                seconds[count].append(taken[count])
    medians = {count: statistics.median(taken) for count, taken in seconds.items()}
    for count, median in medians.items():
        print(
            f"{count:>6} policies: {median / len(events) * 1e6:6.1f} us an event, {len(events) / median:,.0f} a second"
        )
    print(f"ratio of medians, {MANY} to 1: {medians[MANY] / medians[1]:.3f} ({rounds} rounds of {len(events)} events)")


def watch(port: int, count: int, events: list[Arrival], told: Connection) -> None:
    """Judge without a pause, and tell of every new revision of the policy when it is first judged by."""
    with database(port, PLACES[count]) as redis, database(port, LEDGERS[count]) as kept:
        ledger, store, seen = Ledger(kept), PolicyStore(redis), 0
        for at in itertools.cycle(range(0, len(events), BATCH)):
            policies = store.current()
            (policy,) = policies.of_namespace("main", NAMESPACE)
            if policy.revision != seen:
                seen = policy.revision
                told.send((seen, time.monotonic()))
            judge(ledger, store, events[at : at + BATCH])


@contextmanager
def watching(port: int, count: int, events: list[Arrival]) -> Iterator[Connection]:
    """A worker that judges in a process of its own."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=watch, args=(port, count, events, theirs), daemon=True)
    process.start()
    theirs.close()  # so that the end of the worker is seen
    try:
        yield ours
    finally:
        process.kill()
        process.join()


def propagate(port: int, count: int, events: list[Arrival], changes: int) -> None:
    """Change a policy again and again, and print when the change was stored and when the worker went by it."""
    stored, effective = [], []
    with database(port, PLACES[count]) as redis, watching(port, count, events) as worker:
        store = PolicyStore(redis)
        (policy,) = store.current().of_namespace("main", NAMESPACE)
        worker.recv()
        for number in range(changes):
            comment = f"change {number}"
            begun = time.monotonic()
            revision = store.change(
                policy.id, lambda old, text=comment: replace(old, comment=text), "benchmark"
            ).revision
            stored.append(time.monotonic() - begun)
            while (told := worker.recv())[0] != revision:
                pass
            effective.append(told[1] - begun)
    print(
        f"{count:>6} policies: a change is stored after {statistics.median(stored) * 1e3:.0f} ms and in effect after "
        f"{statistics.median(effective) * 1e3:.0f} ms (at most {max(effective) * 1e3:.0f} of {changes})"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--changes", type=int, default=10)
    chosen = options.parse_args()
    events = cases(chosen.events)
    with tempfile.TemporaryDirectory() as directory:
        server = start_redis(Path(directory), appendonly=False)
        try:
            for count in PLACES:
                declare(server.port, count)
            compare(server.port, events, chosen.rounds)
            for count in PLACES:
                propagate(server.port, count, events, chosen.changes)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
