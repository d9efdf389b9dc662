"""What can be done with push credentials besides overwriting a tag: indexes, deletions, crowds."""

from __future__ import annotations

import time
from typing import Any

from enforcer.manifests import OCI_INDEX
from enforcer.names import Digest
from tests.fakes.images import image, index
from tests.integration.attacks.bench import Bench, side_by_side
from tests.integration.attacks.fights import burst, target, within

SETTLED = """
[[policies]]
registry = "main"
namespace = "settled"
tags = { pattern = "**" }
settle = 120
"""
OWNER, ATTACKER = "198.51.100.7", "203.0.113.66"  # with a port the registry would not believe them
LATENCY = 1.2
"""Seconds that each answer to us takes while tags are fought over."""


def crowd(bench: Bench, repository: str, *, tags: int, gap: float, seconds: float, patience: float) -> list[str]:
    """Overwrite many tags at once, each again after a gap; returns those that are not right so long after the last."""
    attacked = [target(bench, repository, f"t{number}") for number in range(tags)]
    for each in attacked:
        bench.wait_recorded(repository, each.tag)
    side_by_side(lambda each: burst(each, round(seconds / gap), gap), attacked)
    right = side_by_side(lambda each: each.seconds_until_right(patience), attacked)
    return [each.tag for each, after in zip(attacked, right, strict=True) if after is None]


def turn_of_another_tag(bench: Bench, registry: str, repository: str) -> int:
    """How many requests of ours to a registry in memory begin between the event of one tag and the first PUT for it.

    Meanwhile far more tags are fought over than all our threads answer at once, and their events came before.
    """
    fake = bench.fakes[registry]
    bench.upload(repository, registry, registry=registry)
    fought = [f"t{number}" for number in range(40)]
    side_by_side(lambda tag: bench.push(repository, tag, image(registry, label=tag), at=fake.url), ["quiet", *fought])
    for tag in ("quiet", *fought):
        bench.wait_recorded(repository, tag, registry=registry)
    time.sleep(0.5)  # kept
    fake.latency = LATENCY
    for tag in fought:
        bench.push(repository, tag, image(registry, label="first"), at=fake.url)
        time.sleep(0.05)
    assert within(lambda: all(fake.puts(repository, tag) for tag in fought), 10)
    other = image(registry, label="other")
    for tag in (*fought, "quiet"):
        bench.push(repository, tag, other, at=fake.url)
    assert within(lambda: bool(fake.puts(repository, "quiet")), 10)
    fake.latency = 0
    first = fake.puts(repository, "quiet")[0].at
    told = next(at for at, event in fake.replicas[0].deliveries.taken if is_of(event, "quiet", Digest.of(other)))
    return sum(told < each.at < first for each in fake.requests if each.is_ours)


def is_of(event: dict[str, Any], tag: str, digest: Digest) -> bool:
    """Whether an event says that this digest was pushed under that tag."""
    return (event["target"].get("tag"), event["target"].get("digest")) == (tag, digest)


def push_index_attack(bench: Bench, repository: str) -> tuple[Digest, Digest]:
    """A release, then an index that lists it beside an evil image, by the same tag; returns both digests."""
    release = bench.upload(repository, "release")
    evil = bench.upload(repository, "evil")
    original = bench.push(repository, "1.0", release)
    bench.wait_recorded(repository, "1.0")
    bench.push(repository, Digest.of(evil), evil)
    taken = bench.push(repository, "1.0", index(evil, release), OCI_INDEX)
    time.sleep(0.5)
    return original, taken


def push_settling(bench: Bench, repository: str, case: str) -> tuple[Digest, Digest]:
    """A child by the final tag, another child, and their index; returns the digests of the first and the index.

    In the case `honest` all by one host, in `other-host` the index is another's, in `child-of-another-host` the second
    child is.
    """
    first, second = bench.upload(repository, "amd64"), bench.upload(repository, "arm64")
    original = bench.push(repository, "1.0", first, host=OWNER)
    bench.wait_recorded(repository, "1.0")
    child = "1.0" if case == "honest" else Digest.of(second)
    bench.push(repository, child, second, host=ATTACKER if case == "child-of-another-host" else OWNER)
    host = ATTACKER if case == "other-host" else OWNER
    whole = bench.push(repository, "1.0", index(first, second), OCI_INDEX, host=host)
    time.sleep(0.5)
    return original, whole


def delete_soon(bench: Bench, repository: str, count: int, *, after: float) -> list[str]:
    """Push tags, each in a new repository, and delete each manifest so soon after; returns what stays away."""
    places = [f"{repository}-{number}" for number in range(count)]
    contents = [bench.upload(place, place) for place in places]
    originals = []
    for place, content in zip(places, contents, strict=True):
        originals.append(bench.push(place, "1.0", content))
        time.sleep(after)
        bench.delete(place, originals[-1])

    def lost() -> list[str]:
        return [place for place, digest in zip(places, originals, strict=True) if bench.served(place, "1.0") != digest]

    within(lambda: not lost(), 6)
    return lost()


def push_nested(bench: Bench, repository: str) -> tuple[Digest, list[Digest]]:
    """An index of an index of an image, by the tag 1.0; returns its digest, and those of what is below, inner first."""
    child, other = bench.upload(repository, "child"), bench.upload(repository, "other")
    inner = index(child)
    below = [
        bench.push(repository, Digest.of(child), child),
        bench.push(repository, Digest.of(other), other),
        bench.push(repository, Digest.of(inner), inner, OCI_INDEX),
    ]
    whole = index(inner, other)
    digest = bench.push(repository, "1.0", whole, OCI_INDEX)
    bench.wait_recorded(repository, "1.0")
    return digest, below
