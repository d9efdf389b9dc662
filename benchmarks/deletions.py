"""What it costs to judge the deletion of a manifest: in a repository with 10,000 tags, and beside it in one with 400.

    python -m benchmarks.deletions

A deletion names no tag; those that need the manifest have to be found. Both repositories are in one ledger, on a
redis-server that this script starts, and are measured by turns.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path

import redis

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Ledger
from enforcer.store.log import BATCH
from enforcer.times import Time
from tests.integration.servers import start_redis
from worker.judging.judge import Judge

MAIN = RegistryName("main")
START = Time("2026-01-01T00:00:00Z")
FEW, MANY = 400, 10_000
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"

_numbers = count(1)


def event(action: Action, tags: int, number: int) -> Arrival:
    """Somebody pushed a tag of the repository with so many, or deleted the manifest that it has."""
    is_push = action is Action.PUSH
    time_of_event = START.plus(next(_numbers))
    return Arrival(
        Event(
            registry=MAIN,
            action=action,
            repository=Repository(f"team/with-{tags}"),
            time=time_of_event,
            id=f"event-{time_of_event}",
            tag=Tag(f"v{number}") if is_push else None,
            digest=Digest.of(f"{tags} {number}".encode()),
            media_type=MEDIA_TYPE if is_push else "",
        ),
        time_of_event,
    )


def judge_all(judge: Judge, cases: Iterable[Arrival]) -> float:
    """Judge cases in batches as a drain does; returns the seconds."""
    began = time.perf_counter()
    left: Iterator[Arrival] = iter(cases)
    while batch := list(islice(left, BATCH)):
        list(judge.judge(batch))
    return time.perf_counter() - began


def measure(judge: Judge, tags: int, deletions: int) -> float:
    """Milliseconds for a deletion; the tags are pushed again afterwards."""
    numbers = [number % tags for number in range(deletions)]
    seconds = judge_all(judge, [event(Action.DELETE, tags, number) for number in numbers])
    judge_all(judge, [event(Action.PUSH, tags, number) for number in sorted(set(numbers))])
    return seconds / deletions * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--deletions", type=int, default=FEW, help="of each repository in a round")
    given = parser.parse_args()
    found: dict[int, list[float]] = {FEW: [], MANY: []}
    with tempfile.TemporaryDirectory() as directory:
        server = start_redis(Path(directory), appendonly=False)
        judge = Judge(Ledger(redis.Redis(port=server.port)), PolicySet(()), None)
        for tags in found:
            judge_all(judge, (event(Action.PUSH, tags, number) for number in range(tags)))
        for _ in range(given.rounds):
            for tags, times in found.items():
                times.append(measure(judge, tags, given.deletions))
        server.stop()
    few, many = (statistics.median(found[tags]) for tags in (FEW, MANY))
    for tags, median in ((FEW, few), (MANY, many)):
        print(f"{tags:6} tags: {median:.2f} ms a deletion")
    print(f"ratio of medians, {MANY} to {FEW}: {many / few:.2f} ({given.rounds} rounds of {given.deletions} deletions)")


if __name__ == "__main__":
    main()
