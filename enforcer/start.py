"""What every long-running process does first."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from enforcer.database import running_database
from enforcer.log import Log
from enforcer.policies.store import PolicyStore
from enforcer.settings import Settings
from enforcer.supervisor import Part

logger = logging.getLogger(__name__)


@contextmanager
def prepared(settings: Settings) -> Iterator[Redis]:
    """A Redis that answers, in which the policies of the configuration file are in force."""
    with running_database(settings.redis_url.get_secret_value(), settings.data_dir) as redis:
        difference = PolicyStore(redis).apply_settings(settings.policies)
        changed = tuple(after for _, after in difference.changed)
        words = (("created", difference.created), ("changed", changed), ("removed", difference.removed))
        for word, policies in words:
            for policy in policies:
                logger.info("policy %d of %s/%s %s, as configured", policy.id, policy.registry, policy.namespace, word)
        Log(redis).open()
        yield redis


def parts(config: Path) -> list[Part]:
    """The processes of a whole installation, given its configuration file."""
    environment = {"ENFORCER_CONFIG": str(config)}
    return [
        Part("receiver", [sys.executable, "-m", "enforcer", "serve"], environment),
        Part("workers", [sys.executable, "-m", "worker", "run"], environment),
    ]
