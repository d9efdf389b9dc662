"""The stores of an installation on a test's Redis."""

from __future__ import annotations

from redis import Redis

from enforcer.store.stores import Stores
from tests.fakes.settings import settings


def stores(redis: Redis, **changes: object) -> Stores:
    """All stores, with these changes of the settings."""
    return Stores.open(settings(**changes), redis)
