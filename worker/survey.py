"""A survey: what a registry holds, tag by tag, beside what the ledger says of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from enforcer.errors import RegistryError, RegistryUnavailable
from enforcer.ledger.record import Standing
from enforcer.ledger.store import Ledger
from enforcer.names import Digest, RegistryName, Repository, Tag, TagName
from enforcer.registries.client import RegistryClient
from worker.pace import Pace

logger = logging.getLogger(__name__)

THREADS = 16
CHUNK = 64
"""Tags looked at side by side before the next ones are begun."""


@dataclass(frozen=True, slots=True)
class Look:
    """One tag: what the ledger says, and the digest that the registry has; `problem` says why that is not known."""

    name: TagName
    standing: Standing
    found: Digest | None
    problem: str = ""

    @property
    def differs(self) -> bool:
        """Whether the registry has something else than the ledger says."""
        record = self.standing.record
        return self.found != (None if record is None else record.digest)


@dataclass(frozen=True, slots=True)
class Survey:
    """Looks at a registry, no faster than its pace."""

    registry: RegistryName
    client: RegistryClient
    ledger: Ledger
    pace: Pace

    def repositories(self, wanted: Callable[[Repository], bool]) -> list[Repository]:
        """The repositories that the registry lists or the ledger knows, as far as they are wanted, in order.

        Raises `RegistryUnavailable`. An account that may not list all of them sees those of the ledger.
        """
        known = {repository for registry, repository in self.ledger.repositories() if registry == self.registry}
        try:
            known |= set(self.client.repositories())
        except RegistryUnavailable:
            raise
        except RegistryError as error:
            logger.warning("only repositories that were pushed to before are looked at: %s", error)
        return sorted(filter(wanted, known))

    def tags(self, repository: Repository) -> dict[Tag, Standing]:
        """The tags of a repository that the registry lists or the ledger knows, in order. Raises `RegistryError`."""
        self.pace.wait()
        standings = self.ledger.tags(self.registry, repository)
        names = sorted({*standings, *self.client.tags(repository)})
        return {tag: standings.get(tag, Standing()) for tag in names}

    def looks(self, repository: Repository, tags: dict[Tag, Standing]) -> Iterator[Look]:
        """A look at each tag, in order."""
        looks = (Look(TagName(self.registry, repository, tag), standing, None) for tag, standing in tags.items())
        with ThreadPoolExecutor(THREADS, thread_name_prefix="survey") as pool:
            while chunk := list(islice(looks, CHUNK)):
                yield from pool.map(self.look, chunk)

    def look(self, before: Look) -> Look:
        """Look at one tag."""
        self.pace.wait()
        name = before.name
        try:
            return Look(name, before.standing, self.client.head(name.repository, name.tag))
        except RegistryError as error:
            return Look(name, before.standing, None, str(error))
