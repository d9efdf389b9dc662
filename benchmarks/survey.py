"""Baseline and sweep of a registry with 10,000 tags, beside a plain loop that asks for the same tags with HEAD.

    python -m benchmarks.survey

The registry is docker-registry, Redis writes everything to disk at once, and `sweep_rate` is raised to 10,000 a second,
so that it bounds nothing: as delivered it is 100, on purpose. Then a second baseline is killed three times and started
again, and what it leaves is compared with the registry tag by tag.
"""

from __future__ import annotations

import http.client
import json
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
from enforcer.ledger.store import Ledger
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.registries.manifest import ACCEPT
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


def run_killed(directory: Path, after: float) -> None:
    """Run a baseline and kill it in the middle."""
    with subprocess.Popen(
        command(directory, "baseline"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        time.sleep(after)
        child.kill()


def wrong(redis: Redis, url: str, size: Size) -> int:
    """How many tags have no record, or another than what the registry has."""
    ledger = Ledger(redis)
    names = [TagName(RegistryName("main"), Repository(repository), Tag(tag)) for repository, tag in size.names()]
    standings = ledger.standings(names)
    count = 0
    with requests.Session() as session:
        for name in names:
            target = f"{url}/v2/{name.repository}/manifests/{name.tag}"
            digest = session.head(target, headers={"Accept": ACCEPT}, timeout=10).headers["Docker-Content-Digest"]
            record = standings[name].record
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


def compare(directory: Path, url: str, size: Size, redis: Redis) -> None:
    loops = {
        "HEAD loop, http.client": seconds(lambda: head_with_http_client(url, size)),
        "HEAD loop, requests": seconds(lambda: head_with_requests(url, size)),
        "baseline, empty ledger": seconds(lambda: run(directory, "baseline")),
        "baseline again": seconds(lambda: run(directory, "baseline")),
        "sweep": seconds(lambda: run(directory, "sweep")),
        "sweep --deep": seconds(lambda: run(directory, "sweep", "--deep")),
    }
    peer = size.all_tags / loops["HEAD loop, requests"]
    for name, took in loops.items():
        rate = size.all_tags / took
        print(f"{name:24} {took:6.1f} s  {rate:6.0f} tags/s  {rate / peer:5.2f} of the loop with requests")
    print(f"{wrong(redis, url, size)} of {size.all_tags} records are wrong")
    whole = loops["baseline, empty ledger"]
    redis.flushall()
    for _ in range(KILLS):
        run_killed(directory, whole / (KILLS + 1))
    report = run(directory, "baseline")
    print(f"killed {KILLS} times, then: {report['looked']} looked at, {wrong(redis, url, size)} records wrong")


def main() -> None:
    given = arguments(str(__doc__).splitlines()[0]).parse_args()
    size = Size(given.repositories, given.tags, given.manifests)
    with tempfile.TemporaryDirectory() as text:
        directory = Path(text)
        with tagged_registry(directory / "registry", size) as registry, store(directory) as (redis, redis_url):
            print(f"{size.all_tags} tags in {size.repositories} repositories, {size.manifests} manifests in each")
            (directory / "enforcer.toml").write_text(CONFIG.format(redis=redis_url, registry=registry.url))
            compare(directory, registry.url, size, redis)


if __name__ == "__main__":
    main()
