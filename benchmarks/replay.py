"""Replaying an archive of 200,000 events in random order, beside the same archive in order.

    python -m benchmarks.replay

Both must end in the same ledger and find the same violations, byte by byte, in as much memory as a smaller archive
takes; a difference ends it with status 1. The events are those of 10,000 tags: pushes of the same digest, now and then
an overwrite, a deletion, or the deletion of a digest.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from enforcer.events import Action, Event
from enforcer.manifests import OCI_MANIFEST
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.times import Time
from tests.integration.servers import start_redis

CONFIG = """\
redis_url = "{redis}"
[registries.main]
url = "http://127.0.0.1:9"
notification_token = "a-token-for-the-benchmark"
[[policies]]
registry = "main"
namespace = "team"
repositories = {{ decoration = "repoMatches", pattern = "**" }}
tags = {{ decoration = "excludes", pattern = "latest" }}
"""

TAGS = 10_000
START = Time("2026-01-01T00:00:00Z")
SEED = 20261122


def events(count: int) -> Iterator[Event]:
    """Events of 10,000 tags in 100 repositories, in the order of their times."""
    chance = random.Random(SEED)
    for number in range(count):
        place = chance.randrange(TAGS)
        action = Action.DELETE if chance.random() < 0.02 else Action.PUSH
        of_digest = action is Action.DELETE and chance.random() < 0.2
        content = place if chance.random() < 0.9 else chance.randrange(10 * TAGS)
        yield Event(
            registry=RegistryName("main"),
            action=action,
            repository=Repository(f"team/app-{place % 100:03}"),
            time=START.plus(number),
            id=f"event-{number}",
            tag=None if of_digest else Tag(f"v{place // 100}"),
            digest=Digest.of(str(content).encode()) if of_digest or action is Action.PUSH else None,
            media_type=OCI_MANIFEST if action is Action.PUSH else "",
            actor="ci",
            address="192.0.2.7:4711",
            user_agent="docker/28.0.0",
        )


def write(path: Path, archive: Iterable[Event]) -> None:
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.writelines(event.to_json() + "\n" for event in archive)


@dataclass(frozen=True)
class Run:
    """What one replay took: seconds, the largest amount of memory in MB; and a digest of the violations found."""

    seconds: float
    megabytes: float
    violations: str


@dataclass(frozen=True)
class Step:
    """A replay of one of the archives, of which it has that part of the events; `onto` what the step before left."""

    name: str
    file: str
    part: float = 1
    onto: bool = False
    options: tuple[str, ...] = ()


PEER = Step("in order", "ordered.gz")
WHOLE = (PEER, Step("in random order", "random.gz"), Step("the same once more", "random.gz", onto=True))
"""These must end alike."""

OTHERS = (Step("random, --dry-run", "random.gz", options=("--dry-run",)), Step("a tenth of it", "tenth.gz", part=0.1))


def command(directory: Path, name: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "worker", name, "--config", str(directory / "enforcer.toml"), *words]


def replay(directory: Path, step: Step) -> Run:
    began = time.monotonic()
    words = command(directory, "replay", "--json", str(directory / step.file), *step.options)
    with (directory / "report").open("w+b") as output:
        child = subprocess.Popen(words, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)  # as resource.getrusage, but of this child alone
        took = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode in (0, 3)
        output.seek(0)
        output.readline()  # counts
        return Run(took, usage.ru_maxrss / 1024, hashlib.file_digest(output, "sha256").hexdigest())


def state(directory: Path) -> tuple[str, int]:
    """A digest of all exported tags with their histories, and how many there are."""
    words = command(directory, "export")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        hashes = [hashlib.sha256(line).digest() for line in child.stdout if b'"kind": "tag"' in line]
    assert child.returncode == 0
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest(), len(hashes)


def prepare(directory: Path, count: int) -> None:
    """Write the archives."""
    archive = list(events(count))
    write(directory / "ordered.gz", archive)
    write(directory / "random.gz", random.Random(SEED).sample(archive, len(archive)))
    write(directory / "tenth.gz", archive[: count // 10])


def measure(directory: Path, count: int, rounds: int, redis: Redis) -> bool:
    """Replay all archives by turns; returns whether all whole ones ended alike."""
    runs: dict[Step, list[Run]] = {step: [] for step in (*WHOLE, *OTHERS)}
    ends = set()
    for _ in range(rounds):
        for step, done in runs.items():
            if not step.onto:
                redis.flushall()
            done.append(replay(directory, step))
            if step in WHOLE:
                ends.add((state(directory), done[-1].violations))
    show(runs, count)
    print(f"{len(ends)} different ends of {rounds * len(WHOLE)} replays, with {max(end[0][1] for end in ends):,} tags")
    return len(ends) == 1


def show(runs: Mapping[Step, Sequence[Run]], count: int) -> None:
    """Print the median of each step beside that of its peer."""
    rates = {step: step.part * count / statistics.median(run.seconds for run in done) for step, done in runs.items()}
    for step, rate in rates.items():
        most = max(run.megabytes for run in runs[step])
        print(f"{step.name:20} {rate:7,.0f} events/s  {rate / rates[PEER]:5.2f} of {PEER.name}  at most {most:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prepare", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.prepare:
        prepare(given.prepare, given.events)
        return
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        # By another process: what this one has used would count as used by those that it starts.
        words = ["--events", str(given.events), "--prepare", text]
        subprocess.run([sys.executable, "-m", "benchmarks.replay", *words], check=True)
        server = start_redis(directory / "redis", appendonly=False)
        try:
            (directory / "enforcer.toml").write_text(CONFIG.format(redis=server.url))
            with Redis(port=server.port) as redis:
                alike = measure(directory, given.events, given.rounds, redis)
        finally:
            server.stop()
    sys.exit(0 if alike else 1)


if __name__ == "__main__":
    main()
