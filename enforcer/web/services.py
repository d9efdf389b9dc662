"""What request handlers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, cast

from flask import Flask, current_app
from redis import Redis

from enforcer.settings.settings import Settings
from enforcer.store.audit import Audit
from enforcer.store.ledger import Ledger
from enforcer.store.log import Log
from enforcer.store.namespaces import Namespaces
from enforcer.store.policies import PolicyStore
from enforcer.store.violations import Violations
from enforcer.store.wakeups import Queues
from enforcer.web.accounts import Accounts


@dataclass(frozen=True, slots=True)
class Services:
    """The settings and what is kept in Redis; one for an application."""

    settings: Settings
    redis: Redis
    accounts: Accounts
    audit: Audit
    ledger: Ledger
    log: Log
    namespaces: Namespaces
    policies: PolicyStore
    queues: Queues
    violations: Violations

    @classmethod
    def of(cls, settings: Settings, redis: Redis) -> Self:
        """The services on that Redis."""
        return cls(
            settings=settings,
            redis=redis,
            accounts=Accounts(settings.accounts),
            audit=Audit(redis),
            ledger=Ledger(redis, history_limit=settings.history_limit),
            log=Log(redis, dead_letters=settings.dead_letters),
            namespaces=Namespaces(redis, settings),
            policies=PolicyStore(redis, per_namespace=settings.policies_per_namespace),
            queues=Queues(redis),
            violations=Violations(redis),
        )


def init_app(app: Flask, settings: Settings, redis: Redis) -> None:
    """Give the application its services."""
    app.extensions["enforcer"] = Services.of(settings, redis)


def services() -> Services:
    """The services of the application that handles the current request."""
    return cast("Services", current_app.extensions["enforcer"])
