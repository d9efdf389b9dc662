"""A survey: what a registry holds, tag by tag, beside what the ledger says of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

from enforcer.errors import RegistryError, RegistryUnavailable
from enforcer.judgement.record import TagState
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.registries.client import RegistryClient
from enforcer.store.ledger import Ledger
from enforcer.times import Time
from worker.backoff import pause
from worker.context import Context
from worker.rate_limit import RateLimit

THREADS = 16
AHEAD = 64
"""Tags that are looked at before anybody asks for them."""

TRIES = 3
"""How often a registry is asked that says that it cannot answer now."""

LONGEST_PAUSE = 10
"""Seconds between two of these tries at most: whoever surveys may have little time."""

Item = TypeVar("Item")
Result = TypeVar("Result")


SECOND_LOOK = 1.0
"""Seconds between the look that finds a difference and the one that confirms it: an event may be on its way."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One tag: what the ledger says, and the digest that the registry had at that time.

    `problem` says why that is not known.
    """

    name: TagName
    state: TagState
    found: Digest | None = None
    time: Time = field(default_factory=Time.now)
    problem: str = ""

    @property
    def differs(self) -> bool:
        """Whether the registry has something else than the ledger says."""
        record = self.state.record
        return self.found != (None if record is None else record.digest)


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


def batches(observations: Iterable[Observation]) -> Iterator[list[Observation]]:
    """Looks as they come: all of a second together, but no more than were begun ahead."""
    handful: list[Observation] = []
    began = time.monotonic()
    for observation in observations:
        handful.append(observation)
        if len(handful) >= AHEAD or time.monotonic() - began >= 1:
            yield handful
            handful = []
            began = time.monotonic()
    if handful:
        yield handful


class Scan:
    """Looks at a registry, no faster than its pace, and a little ahead of whoever reads. Close it by `with`.

    Its methods raise `RegistryUnavailable` where the whole registry is away. What one repository or tag does not tell
    is a problem of that one.
    """

    def __init__(self, registry: RegistryName, client: RegistryClient, ledger: Ledger, pace: RateLimit) -> None:
        self.registry = registry
        self.pace = pace
        self._client = client
        self._ledger = ledger
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="survey")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pace.stop()
        self._pool.shutdown(cancel_futures=True)

    def repositories(self) -> tuple[list[Repository], str]:
        """The repositories that the registry lists or the ledger knows, in order; and why it does not list them.

        An account that may not list all repositories sees those that the ledger knows.
        """
        known = {repository for registry, repository in self._ledger.repositories() if registry == self.registry}
        problem = ""
        try:
            self.pace.wait()
            known |= set(self._client.repositories())
        except RegistryUnavailable:
            raise
        except RegistryError as error:
            problem = f"only repositories that were pushed to before are looked at: {error}"
        return sorted(known), problem

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

    def side_by_side(
        self, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int = AHEAD
    ) -> Iterator[Result]:
        """What the function gives for each item, in order; so many are begun before anybody asks for them."""
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

    def has_blob(self, repository: Repository, digest: Digest) -> bool:
        """Whether the registry has a layer or configuration. Raises `RegistryError`."""
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
        began = Time.now()  # before it is looked at: what is pushed meanwhile comes later
        try:
            found = self._insist(lambda: self._client.head(name.repository, name.tag))
        except RegistryError as error:
            return Observation(name, state, None, began, self._problem(error))
        return Observation(name, state, found, began)

    def _insist(self, question: Callable[[], Result]) -> Result:
        """The answer, asked for again where the registry says that it has none now. Raises `RegistryError`."""
        for tries in range(1, TRIES):
            self.pace.wait()
            try:
                return question()
            except RegistryError as error:
                if not error.temporary:
                    raise
                seconds = pause(tries, retry_after=error.retry_after)
            self.pace.sleep(min(seconds, LONGEST_PAUSE))
        self.pace.wait()
        return question()

    def _problem(self, error: RegistryError) -> str:
        """Why one tag or repository could not be looked at. Raises `RegistryError` where it is all of the registry."""
        if error.temporary:
            self._client.ping()
        return str(error)


def scan_of(context: Context, registry: RegistryName) -> Scan:
    """A survey of a configured registry, at the configured pace, which all surveys of it in this process share."""
    return Scan(registry, context.registries[registry], context.ledger, context.rate_limits[registry].shared())


@dataclass(slots=True)
class Estimate:
    """Of so many repositories, so many are listed, with so many tags."""

    repositories: int = 0
    listed: int = 0
    tags: int = 0

    def add(self, tags: int) -> None:
        """One more repository is listed."""
        self.listed += 1
        self.tags += tags

    @property
    def expected(self) -> float | None:
        """Tags in all repositories, if those that are not listed yet are like the others; None before the first one."""
        return self.tags * self.repositories / self.listed if self.listed else None
