"""How many events a second one worker judges: by draining the log, and beside it with one RQ job for each event.

    python -m benchmarks.drain

Both ways make the same decisions with the same code, on a redis-server that this script starts. They take turns; what
counts is the ratio of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from enforcer.events import Action, Event
from enforcer.judgement.arrival import Arrival
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Ledger
from enforcer.store.log import Log
from enforcer.times import Time
from tests.integration.servers import start_redis
from worker.judging.judge import Judge

DRAINED, JOBS = 20_000, 500
TAGS = 1000

_judges: list[Judge] = []


def event(number: int) -> Event:
    """One of many pushes to some tags."""
    return Event(
        registry=RegistryName("main"),
        action=Action.PUSH,
        repository=Repository(f"team/app{number % 50}"),
        time=Time.now(),
        id=f"event-{number}-{time.monotonic_ns()}",
        tag=Tag(f"t{number % TAGS}"),
        digest=Digest.of(str(number % (2 * TAGS)).encode()),
        media_type="application/vnd.oci.image.manifest.v1+json",
    )


def judge_one(text: str) -> None:
    """The job of the other way."""
    found = Event.from_json(text)
    list(_judges[0].judge([Arrival(found, found.time)]))


def by_log(connection: redis.Redis) -> float:
    """Events a second by draining."""
    log = Log(connection)
    for start in range(0, DRAINED, 500):
        log.append([event(number) for number in range(start, start + 500)])
    began = time.perf_counter()
    for batch in log.batches("benchmark"):
        list(_judges[0].judge(Arrival(arrival.event, arrival.time) for arrival in batch if arrival.event))
        log.acknowledge(batch)
    return DRAINED / (time.perf_counter() - began)


def by_jobs(connection: redis.Redis) -> float:
    """Events a second with a job for each."""
    queue = Queue("benchmark", connection=connection, serializer=JSONSerializer)
    for number in range(JOBS):
        queue.enqueue(judge_one, event(number).to_json(), result_ttl=5, description="judge")
    worker = SimpleWorker([queue], connection=connection, serializer=JSONSerializer, log_job_description=False)
    began = time.perf_counter()
    worker.work(burst=True, logging_level="ERROR")
    return JOBS / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    sys.modules["drain_benchmark"] = sys.modules["__main__"]
    judge_one.__module__ = "drain_benchmark"  # RQ imports what it runs, and refuses __main__
    with tempfile.TemporaryDirectory() as directory:
        server = start_redis(Path(directory), appendonly=False)
        connection = redis.Redis(port=server.port)
        _judges.append(Judge(Ledger(connection), PolicySet(()), 600))
        drained, jobs = [], []
        for number in range(rounds):
            connection.flushall()
            drained.append(by_log(connection))
            connection.flushall()
            jobs.append(by_jobs(connection))
            print(f"round {number + 1}: log {drained[-1]:,.0f}/s, a job per event {jobs[-1]:,.0f}/s")
        server.stop()
    log, job = statistics.median(drained), statistics.median(jobs)
    print(f"median: log {log:,.0f} events/s, a job per event {job:,.0f} events/s: {log / job:.0f} times as many")


if __name__ == "__main__":
    main()
