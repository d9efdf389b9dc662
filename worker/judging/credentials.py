"""Credentials: which registries ask for them. Where none are asked for, the actor of an event is a client's claim."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor, wait

from redis import RedisError

from enforcer.errors import RegistryError
from enforcer.names import RegistryName
from worker.context import Context

logger = logging.getLogger(__name__)

PATIENCE = 2
"""Seconds that a worker waits at its start for what was never known of a registry."""


def learn(context: Context, registry: RegistryName) -> None:
    """Note if a registry asks for credentials; where it gives no answer, what was known of it holds."""
    try:
        context.stores.credentials.note(registry, asks=context.registries[registry].asks_for_credentials())
    except (RegistryError, RedisError) as error:
        logger.warning("registry %s may have changed whether it asks for credentials: %s", registry, error)


def learn_all(context: Context, *, patience: float | None = None) -> None:
    """Learn it of all registries side by side.

    Waits only for those of which it was never known, and for these no longer than `patience` seconds.
    """
    unknown = [registry for registry in context.registries if not context.stores.credentials.knows(registry)]
    pool = ThreadPoolExecutor(len(context.registries), thread_name_prefix="credentials")
    asked = {registry: pool.submit(learn, context, registry) for registry in context.registries}
    pool.shutdown(wait=False)
    wait([asked[registry] for registry in unknown], timeout=patience)
