"""A scan: what a registry holds, tag by tag, beside what the ledger says of it."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Self, TypeVar

from enforcer.errors import RegistryError, RegistryUnavailable
from enforcer.judgement.record import TagState
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.registries.client import RegistryClient
from enforcer.store.ledger import Ledger
from worker.backoff import pause
from worker.context import Context, Timing
from worker.rate_limit import RateLimit
from worker.scanning.observation import Observation

logger = logging.getLogger(__name__)

THREADS = 16
LOOKS_AHEAD = 64
"""Looks that are begun before their turn comes."""

TRIES = 3
"""Requests to a registry that says that it cannot answer now, before its answer counts."""

SCAN_THREADS = partial(ThreadPoolExecutor, thread_name_prefix="scan")

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags of a repository that the registry lists or the ledger knows, in order; `problem`: as of a look."""

    repository: Repository
    tags: dict[Tag, TagState]
    problem: str = ""

    def after(self, tag: str) -> TagList:
        """The listing of the tags behind that one."""
        return replace(self, tags={each: state for each, state in self.tags.items() if each > tag})

    def only(self, wanted: Callable[[TagState], bool]) -> TagList:
        """The listing of the tags of which the ledger says what is wanted."""
        return replace(self, tags={tag: state for tag, state in self.tags.items() if wanted(state)})


def batches(observations: Iterable[Observation], monotonic: Callable[[], float]) -> Iterator[list[Observation]]:
    """Observations as they come: all of a second together, but no more than were begun ahead."""
    batch: list[Observation] = []
    began = monotonic()
    for observation in observations:
        batch.append(observation)
        if len(batch) >= LOOKS_AHEAD or monotonic() - began >= 1:
            yield batch
            batch = []
            began = monotonic()
    if batch:
        yield batch


class Scan:
    """Looks at a registry within its rate limit, a little ahead of its reader. Close it by `with`.

    Its methods raise `RegistryUnavailable` where the whole registry is away. What one repository or tag does not tell
    is a problem of that one.
    """

    def __init__(
        self,
        registry: RegistryName,
        client: RegistryClient,
        ledger: Ledger,
        rate_limit: RateLimit,
        timing: Timing,
        *,
        executor: Callable[[int], Executor] = SCAN_THREADS,
    ) -> None:
        self.registry = registry
        self.timing = timing
        self._rate_limit = rate_limit
        self._client = client
        self._ledger = ledger
        self._pool = executor(THREADS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._rate_limit.stop()
        self._pool.shutdown(cancel_futures=True)

    def repositories(self) -> tuple[list[Repository], str]:
        """The repositories that the registry lists or the ledger knows, in order; and why it does not list them.

        An account that may not list all repositories sees those that the ledger knows.
        """
        known = {repository for registry, repository in self._ledger.repositories() if registry == self.registry}
        problem = ""
        try:
            self._rate_limit.wait()
            known |= set(self._client.repositories())
        except RegistryUnavailable:
            raise
        except RegistryError as error:
            problem = f"only repositories that were pushed to before are looked at: {error}"
        return sorted(known), problem

    def repositories_of(self, namespace: str) -> list[Repository]:
        """The repositories of a namespace, of all if it is empty; a list that is not whole is logged."""
        repositories, problem = self.repositories()
        if problem:
            logger.warning("scan of %s: %s", self.registry, problem)
        return [repository for repository in repositories if namespace in ("", repository.namespace)]

    def listings(self, repositories: Iterable[Repository]) -> Iterator[TagList]:
        """The tags of each repository."""
        return self.side_by_side(self._list, repositories, ahead=2)

    def observations(self, listing: TagList) -> Iterator[Observation]:
        """A look at each tag of a repository."""
        names = ((TagName(self.registry, listing.repository, tag), tag) for tag in listing.tags)
        return self.look_at((name, listing.tags[tag]) for name, tag in names)

    def look_at(self, tags: Iterable[tuple[TagName, TagState]]) -> Iterator[Observation]:
        """A look at each of these tags, in their order."""
        return self.side_by_side(self._look, tags)

    def look_again(self, names: Iterable[TagName]) -> Iterator[Observation]:
        """A look at each of these tags, beside what the ledger says of them by now."""
        return self.look_at(self._ledger.states(names).items())

    def side_by_side(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = LOOKS_AHEAD
    ) -> Iterator[Result]:
        """The function's result for each item, in order; so many are begun before their turn comes."""
        begun: deque[Future[Result]] = deque()
        try:
            for item in items:
                begun.append(self._pool.submit(function, item))
                if len(begun) >= ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()

    def read(self, repository: Repository, digest: Digest) -> Manifest:
        """A manifest as the registry has it. Raises `RegistryError`."""
        return self._insist(lambda: self._client.get(repository, digest))

    def has_manifest(self, repository: Repository, digest: Digest) -> bool:
        """The registry has the manifest. Raises `RegistryError`."""
        return self._insist(lambda: self._client.head(repository, digest)) is not None

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        """The registry has a layer or configuration. Raises `RegistryError`."""
        return self._insist(lambda: self._client.check_blob(repository, digest))

    def _list(self, repository: Repository) -> TagList:
        try:
            listed = self._insist(lambda: list(self._client.tags(repository)))
        except RegistryError as error:
            return TagList(repository, {}, self._problem(error))
        # The ledger after the registry: what is pushed and recorded meanwhile shows as it is now.
        states = self._ledger.tags(self.registry, repository)
        return TagList(repository, {tag: states.get(tag, TagState()) for tag in sorted({*states, *listed})})

    def _look(self, tag: tuple[TagName, TagState]) -> Observation:
        name, state = tag
        began = self.timing.now()  # before it is looked at: what is pushed meanwhile comes later
        try:
            found = self._insist(lambda: self._client.head(name.repository, name.tag))
        except RegistryError as error:
            return Observation(name, state, None, began, self._problem(error))
        return Observation(name, state, found, began)

    def _insist(self, question: Callable[[], Result]) -> Result:
        """The answer, asked for again where the registry says that it has none now. Raises `RegistryError`."""
        for tries in range(1, TRIES):
            self._rate_limit.wait()
            try:
                return question()
            except RegistryError as error:
                if not error.temporary:
                    raise
                seconds = pause(tries, retry_after=error.retry_after)
            self._rate_limit.sleep(min(seconds, self.timing.longest_pause))
        self._rate_limit.wait()
        return question()

    def _problem(self, error: RegistryError) -> str:
        """Why one tag or repository could not be looked at. Raises `RegistryError` where it is all of the registry."""
        if error.temporary:
            self._client.ping()
        return str(error)


def scan_of(context: Context, registry: RegistryName) -> Scan:
    """A scan of a configured registry, at the configured rate, which all scans of it in this process share."""
    rate_limit = context.rate_limits[registry].shared()
    return Scan(registry, context.registries[registry], context.ledger, rate_limit, context.timing)
