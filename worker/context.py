"""What every job of a worker process works with: made once, when the process starts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from redis import Redis

from enforcer.alerts.health import Health
from enforcer.alerts.kept_bytes import tell_release, tell_use
from enforcer.alerts.outbox import Alerts
from enforcer.manifests import Manifest
from enforcer.names import Digest, RegistryName, Repository
from enforcer.registries.client import RegistryClient
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.settings.settings import Settings
from enforcer.store.approvals import random_id
from enforcer.store.installation import installation_id
from enforcer.store.limits import SLICE, STALE
from enforcer.store.stores import Stores
from enforcer.times import Time
from worker.breaker import Breakers
from worker.pool import RegistryPools
from worker.rate_limit import RateLimit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Timing:
    """The clocks that workers go by, and seconds that they take.

    After a `slice` a walk makes room for others. Between the look that finds a difference and the `second_look` that
    confirms it an event may arrive. A registry that cannot answer is asked again after `longest_pause` at the latest:
    a slice is short. A command waits for a sweep of the same registry no longer than `lock_wait`. The events that
    a worker had claimed of the log are taken over when it is `stale`.
    """

    slice: float = SLICE
    second_look: float = 1
    longest_pause: float = 10
    lock_wait: float = 600
    stale: float = STALE
    now: Callable[[], Time] = Time.now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


TIMING = Timing()
"""The real clocks, and delays as they are meant."""


class Context:
    """The settings, Redis and all that is kept there, and a client for each registry.

    With `pools` what is urgent is begun at once in this process; without, it waits in the work queues for the next one.
    """

    def __init__(
        self,
        settings: Settings,
        redis: Redis,
        *,
        consumer: str,
        owner: str = "",
        pools: RegistryPools | None = None,
        timing: Timing = TIMING,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self.settings = settings
        self.redis = redis
        self.consumer = consumer
        self.owner = owner
        self.pools = pools
        self.timing = timing
        self.new_id = new_id
        self.stores = stores = Stores.open(settings, redis, clock=timing.now, new_id=new_id, stale=timing.stale)
        self.queues, self.log, self.policies = stores.wakeups, stores.log, stores.policies
        self.ledger, self.violations = stores.ledger, stores.violations
        self.alerts = Alerts(stores.alerts, stores.wakeups, settings.alerts)
        self.health = Health(redis, self.alerts)
        self.breakers = Breakers(stores.outages, self.health)
        self.restores, self.keeps = stores.restores, stores.keeps
        self.baselines, self.sweeps = stores.baselines, stores.sweeps
        self.rate_limits = {registry: RateLimit(settings.sweep_rate) for registry in settings.registries}

    def take_back(self) -> None:
        """Go on with what the worker had claimed whose place this one takes."""
        for queue in self.stores.work:
            if count := queue.take_back(self.owner):
                logger.warning("the last worker ended in the middle of %d items of %s", count, queue.task.value)

    @cached_property
    def installation(self) -> str:
        """The id of this installation."""
        return installation_id(self.redis)

    @cached_property
    def registries(self) -> dict[RegistryName, RegistryClient]:
        """A client for each configured registry, which says whose requests these are."""
        user_agent = f"tag-enforcer/{self.installation}" if self.installation else "tag-enforcer"
        return {
            name: RegistryClient(replace(RegistryEndpoint.of(name, registry), user_agent=user_agent))
            for name, registry in self.settings.registries.items()
        }

    def manifest(self, registry: RegistryName, repository: Repository, digest: Digest) -> Manifest:
        """A manifest as it is kept, else as the registry has it under its digest; it is kept from then on.

        Raises `RegistryError`.
        """
        kept = self.kept(registry, repository, digest)
        if kept is None:
            kept = self.registries[registry].get(repository, digest)
            self.keep(registry, repository, kept)
        return kept

    def keep(self, registry: RegistryName, repository: Repository, manifest: Manifest) -> None:
        """Keep a manifest's bytes if the budget allows, and tell how much of it is used."""
        keeping = self.ledger.keep(registry, repository, manifest)
        tell_use(self.health, registry, repository, self.settings.kept_bytes, keeping)

    def release(self, registry: RegistryName, repository: Repository) -> None:
        """Remove kept manifests of a repository that no record needs any more."""
        used = self.ledger.release_unneeded(registry, repository)
        tell_release(self.health, registry, self.settings.kept_bytes, used)

    def kept(self, registry: RegistryName, repository: Repository, digest: Digest) -> Manifest | None:
        """The manifest as it is kept; None if it is not, or not any more what it was."""
        try:
            return self.ledger.kept(registry, repository, digest)
        except ValueError as error:
            logger.warning("what is kept as %s of %s in %s is of no use: %s", digest, repository, registry, error)
            return None
