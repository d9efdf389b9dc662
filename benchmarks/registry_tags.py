"""A docker-registry with many tags: 10,000 in 100 repositories, in some ten seconds.

    python -m benchmarks.registry_tags

It runs until Ctrl-C, for trying things out by hand; the other scripts start one of their own. The blobs are a few small
ones, and the manifests of a repository as many different ones as are asked for.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, local

import requests

from enforcer.manifests import OCI_MANIFEST
from tests.fakes.images import blobs_of, image
from tests.integration.servers import Registry, push_blob, start_registry

THREADS = 8


@dataclass(frozen=True)
class Size:
    """So many repositories with so many tags each, which share so many manifests."""

    repositories: int = 100
    tags: int = 100
    manifests: int = 5

    @property
    def all_tags(self) -> int:
        return self.repositories * self.tags

    def names(self) -> Iterator[tuple[str, str]]:
        """Each repository and tag."""
        for repository in range(self.repositories):
            for tag in range(self.tags):
                yield f"team/app-{repository:03}", f"v{tag}"


def manifest(number: int) -> bytes:
    """One of any number of different manifests of the same blobs."""
    fields = json.loads(image("benchmark")) | {"annotations": {"number": str(number)}}
    return json.dumps(fields).encode()


def fill(url: str, size: Size) -> float:
    """Push everything; returns how many tags a second that was."""
    threads = local()

    def put(place: tuple[int, tuple[str, str]]) -> None:
        if not hasattr(threads, "session"):
            threads.session = requests.Session()
        number, (repository, tag) = place
        content = manifest(number % size.manifests)
        target = f"{url}/v2/{repository}/manifests/{tag}"
        answer = threads.session.put(target, data=content, headers={"Content-Type": OCI_MANIFEST}, timeout=30)
        answer.raise_for_status()

    with ThreadPoolExecutor(THREADS) as pool:
        repositories = sorted({repository for repository, _ in size.names()})
        list(pool.map(lambda name: [push_blob(url, name, blob) for blob in blobs_of("benchmark")], repositories))
        began = time.monotonic()
        list(pool.map(put, enumerate(size.names())))
    return size.all_tags / (time.monotonic() - began)


@contextmanager
def tagged_registry(directory: Path, size: Size) -> Iterator[Registry]:
    """A registry with all these tags."""
    registry = start_registry(directory)
    try:
        fill(registry.url, size)
        yield registry
    finally:
        registry.stop()


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that say how large the registry is."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repositories", type=int, default=Size.repositories)
    parser.add_argument("--tags", type=int, default=Size.tags, help="of each repository")
    parser.add_argument("--manifests", type=int, default=Size.manifests, help="different ones in each repository")
    return parser


def main() -> None:
    given = arguments(str(__doc__).splitlines()[0]).parse_args()
    size = Size(given.repositories, given.tags, given.manifests)
    with tempfile.TemporaryDirectory() as directory:
        registry = start_registry(Path(directory))
        try:
            rate = fill(registry.url, size)
            print(f"{registry.url} has {size.all_tags} tags in {size.repositories} repositories ({rate:.0f}/s)")
            with suppress(KeyboardInterrupt):
                Event().wait()
        finally:
            registry.stop()


if __name__ == "__main__":
    main()
