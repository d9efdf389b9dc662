"""What an attacker with push rights does to a tag, and for how long it is wrong; defended by anything."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from enforcer.names import Digest
from tests.fakes.images import blobs_of, image
from tests.integration.attacks.bench import Bench
from tests.integration.servers import push_blob

POLL = 0.01


@dataclass(frozen=True)
class Target:
    """A tag that was pushed, and other manifests of the same repository to push in its place."""

    bench: Bench
    repository: str
    tag: str
    original: Digest
    others: Sequence[bytes]

    def overwrite(self, number: int) -> None:
        """Push one of the others."""
        self.bench.push(self.repository, self.tag, self.others[number % len(self.others)])

    def is_right(self) -> bool:
        return self.bench.served(self.repository, self.tag) == self.original

    def seconds_until_right(self, patience: float) -> float | None:
        """From now on; None if it was not right within that time."""
        began = time.monotonic()
        while time.monotonic() < began + patience:
            if self.is_right():
                return time.monotonic() - began
            time.sleep(POLL)
        return None


def target(bench: Bench, repository: str, tag: str, others: int = 100) -> Target:
    """Push a tag and have other manifests of the same blobs ready; it is recorded if its namespace is guarded."""
    for content in blobs_of(repository):
        push_blob(bench.url_of("main"), repository, content)
    original = bench.push(repository, tag, image(repository, label=tag))
    return Target(bench, repository, tag, original, [image(repository, label=f"{tag}-{i}") for i in range(others)])


def burst(attacked: Target, count: int, gap: float = 0.0) -> None:
    """Overwrite it so often, as fast as possible or with a gap between."""
    for number in range(count):
        attacked.overwrite(number)
        time.sleep(gap)


@dataclass(frozen=True)
class Share:
    """How often a tag was overwritten, for how much of the time it was wrong, and the longest single time."""

    pushes: int
    wrong: float
    whole: float
    longest: float

    @property
    def of_time(self) -> float:
        return self.wrong / self.whole


def sustain(attacked: Target, seconds: float) -> Share:
    """Push whenever the original is back, for so long."""
    began = time.monotonic()
    times: list[float] = []
    while (left := began + seconds - time.monotonic()) > 0:
        attacked.overwrite(len(times))
        landed = time.monotonic()
        attacked.seconds_until_right(left)
        times.append(time.monotonic() - landed)
    return Share(len(times), sum(times), time.monotonic() - began, max(times))


def within(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether something holds before that time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
