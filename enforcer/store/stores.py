"""All stores of an installation, on one Redis and with the limits that its settings say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from redis import Redis

from enforcer.settings.settings import Settings
from enforcer.store.approvals import Approvals, random_id
from enforcer.store.audit import Audit
from enforcer.store.credentials import Credentials
from enforcer.store.fights import Fights
from enforcer.store.heartbeats import Heartbeats
from enforcer.store.ledger import Ledger
from enforcer.store.limits import STALE
from enforcer.store.log import Log
from enforcer.store.namespaces import Namespaces
from enforcer.store.outages import Outages
from enforcer.store.policies import PolicyStore
from enforcer.store.pushes import Pushes
from enforcer.store.registry_queues import RegistryQueues
from enforcer.store.sweep_requests import SweepRequests
from enforcer.store.told import Told
from enforcer.store.unlocks import Unlocks
from enforcer.store.violations import Violations
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What is kept in one Redis. No other package makes a store of its own: it would not know the limits."""

    redis: Redis
    approvals: Approvals
    audit: Audit
    credentials: Credentials
    fights: Fights
    heartbeats: Heartbeats
    ledger: Ledger
    log: Log
    namespaces: Namespaces
    outages: Outages
    policies: PolicyStore
    pushes: Pushes
    told: Told
    unlocks: Unlocks
    violations: Violations
    wakeups: Queues
    alerts: WorkQueue
    baselines: WorkQueue
    keeps: WorkQueue
    restores: RegistryQueues
    sweeps: WorkQueue
    sweep_requests: SweepRequests

    @classmethod
    def open(
        cls,
        settings: Settings,
        redis: Redis,
        *,
        clock: Callable[[], Time] = Time.now,
        new_id: Callable[[], str] = random_id,
        stale: float = STALE,
    ) -> Self:
        """The stores on that Redis. After `stale` seconds events are taken from a worker that has not judged them."""
        audit, wakeups = Audit(redis), Queues(redis)
        ledger = Ledger(redis, history_limit=settings.history_limit, kept_bytes=settings.kept_bytes)
        log = Log(redis, dead_letters=settings.dead_letters, stale=stale)
        policies = PolicyStore(redis, per_namespace=settings.policies_per_namespace, clock=clock)
        sweeps = WorkQueue(redis, Task.SWEEP)
        return cls(
            redis=redis,
            approvals=Approvals(audit, ledger, log, wakeups, clock=clock, new_id=new_id),
            audit=audit,
            credentials=Credentials(redis),
            fights=Fights(redis),
            heartbeats=Heartbeats(redis),
            ledger=ledger,
            log=log,
            namespaces=Namespaces(redis, settings),
            outages=Outages(redis),
            policies=policies,
            unlocks=Unlocks(redis, policies, audit, clock=clock),
            pushes=Pushes(redis),
            told=Told(redis),
            violations=Violations(redis),
            wakeups=wakeups,
            alerts=WorkQueue(redis, Task.ALERT),
            baselines=WorkQueue(redis, Task.BASELINE),
            keeps=WorkQueue(redis, Task.KEEP),
            restores=RegistryQueues(redis, Task.RESTORE, settings.registries),
            sweeps=sweeps,
            sweep_requests=SweepRequests(redis, sweeps, wakeups),
        )

    @property
    def work(self) -> tuple[WorkQueue | RegistryQueues, ...]:
        """Every work queue."""
        return (self.baselines, self.sweeps, self.keeps, self.restores, self.alerts)
