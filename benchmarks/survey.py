"""Baseline and sweep of a registry with 10,000 tags, beside a plain loop that asks for the same tags with HEAD.

    python -m benchmarks.survey

The registry is docker-registry, Redis writes everything to disk at once, and `sweep_rate` is raised to 10,000 a second,
so that it bounds nothing: as delivered it is 100, on purpose. Then a second baseline is killed three times and started
again, and what it leaves is compared with the registry tag by tag.
"""

from __future__ import annotations

import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from redis import Redis

from benchmarks.registry_tags import Size, arguments, tagged_registry
from enforcer.manifests import ACCEPT
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.store.ledger import Ledger
from tests.integration.servers import start_redis

CONFIG = """\
redis_url = "{redis}"
sweep_rate = 10000
[registries.main]
url = "{registry}"
notification_token = "a-token-for-the-benchmark"
[[policies]]
registry = "main"
namespace = "team"
repositories = {{ decoration = "repoMatches", pattern = "**" }}
tags = {{ decoration = "excludes", pattern = "latest" }}
"""

KILLS = 3

PEER = "HEAD loop, requests"


def head_with_requests(url: str, size: Size) -> None:
    with requests.Session() as session:
        for repository, tag in size.names():
            target = f"{url}/v2/{repository}/manifests/{tag}"
            session.head(target, headers={"Accept": ACCEPT}, timeout=10).raise_for_status()


def head_with_http_client(url: str, size: Size) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    for repository, tag in size.names():
        connection.request("HEAD", f"/v2/{repository}/manifests/{tag}", headers={"Accept": ACCEPT})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    connection.close()


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def command(directory: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "worker", words[0], "--config", str(directory / "enforcer.toml"), *words[1:]]


def run(directory: Path, *words: str) -> dict[str, object]:
    """Run one of our commands to its end; returns its report."""
    done = subprocess.run(command(directory, *words, "--json"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


def run_killed(directory: Path, redis: Redis, records: int) -> int:
    """Run a baseline and kill it as soon as there are so many records; returns how many there are then."""
    with subprocess.Popen(
        command(directory, "baseline"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        while recorded(redis) < records and child.poll() is None:
            time.sleep(0.05)
        child.kill()
    assert child.returncode == -signal.SIGKILL, "the baseline ended before it was killed"
    return recorded(redis)


def recorded(redis: Redis) -> int:
    """How many tags have a record."""
    with redis.pipeline() as pipe:
        for key in redis.keys("te:{*}:tags"):
            pipe.hlen(key)
        return sum(pipe.execute())


def wrong(redis: Redis, url: str, size: Size) -> int:
    """How many tags have no record, or another than what the registry has."""
    ledger = Ledger(redis)
    names = [TagName(RegistryName("main"), Repository(repository), Tag(tag)) for repository, tag in size.names()]
    states = ledger.states(names)
    count = 0
    with requests.Session() as session:
        for name in names:
            target = f"{url}/v2/{name.repository}/manifests/{name.tag}"
            digest = session.head(target, headers={"Accept": ACCEPT}, timeout=10).headers["Docker-Content-Digest"]
            record = states[name].record
            count += record is None or record.digest != digest
    return count


@contextmanager
def store(directory: Path) -> Iterator[tuple[Redis, str]]:
    """An empty Redis that writes everything to disk at once."""
    server = start_redis(directory / "redis")
    try:
        with Redis(port=server.port) as redis:
            yield redis, server.url
    finally:
        server.stop()


def measure(directory: Path, url: str, size: Size, redis: Redis, rounds: int) -> None:
    """Take the time of everything by turns, and print medians beside that of the loop with requests."""
    works: dict[str, Callable[[], object]] = {
        PEER: lambda: head_with_requests(url, size),
        "HEAD loop, http.client": lambda: head_with_http_client(url, size),
        "baseline, empty ledger": lambda: run(directory, "baseline"),
        "baseline again": lambda: run(directory, "baseline"),
        "sweep": lambda: run(directory, "sweep"),
        "sweep --deep": lambda: run(directory, "sweep", "--deep"),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        redis.flushall()
        for name, work in works.items():
            taken[name].append(seconds(work))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    for name, median in medians.items():
        rate = size.all_tags / median
        print(f"{name:24} {median:6.1f} s  {rate:6,.0f} tags/s  {medians[PEER] / median:5.2f} of the {PEER}")
    print(f"{wrong(redis, url, size)} of {size.all_tags} records are wrong")


def kill(directory: Path, url: str, size: Size, redis: Redis) -> None:
    """Kill a baseline again and again, and print what it ends with."""
    redis.flushall()
    parts = [run_killed(directory, redis, size.all_tags * turn // (KILLS + 1)) for turn in range(1, KILLS + 1)]
    report = run(directory, "baseline")
    print(
        f"killed with {', '.join(map(str, parts))} records, then {recorded(redis)}, of which "
        f"{wrong(redis, url, size)} are wrong; it reports {report['looked']} tags looked at"
    )


def main() -> None:
    parser = arguments(str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    size = Size(given.repositories, given.tags, given.manifests)
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with tagged_registry(directory / "registry", size) as registry, store(directory) as (redis, redis_url):
            print(f"{size.all_tags} tags in {size.repositories} repositories, {size.manifests} manifests in each")
            (directory / "enforcer.toml").write_text(CONFIG.format(redis=redis_url, registry=registry.url))
            measure(directory, registry.url, size, redis, given.rounds)
            kill(directory, registry.url, size, redis)


if __name__ == "__main__":
    main()
