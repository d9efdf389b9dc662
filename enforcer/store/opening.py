"""What every long-running process does first."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from enforcer.settings.settings import Settings
from enforcer.store.connection import running_database
from enforcer.store.installation import write_installation
from enforcer.store.schema import write_schema
from enforcer.store.stores import Stores

logger = logging.getLogger(__name__)


@contextmanager
def prepared(settings: Settings) -> Iterator[Redis]:
    """A Redis that answers, in which the policies of the configuration file are in force."""
    with running_database(*settings.database) as redis:
        write_schema(redis)
        write_installation(redis)
        stores = Stores.open(settings, redis)
        difference = stores.policies.apply_settings(settings.policies)
        changed = tuple(after for _, after in difference.changed)
        words = (("created", difference.created), ("changed", changed), ("removed", difference.removed))
        for word, policies in words:
            for policy in policies:
                logger.info("policy %d of %s/%s %s, as configured", policy.id, policy.registry, policy.namespace, word)
        stores.log.open()
        yield redis
