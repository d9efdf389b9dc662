"""Outages: registries that are away, known to all workers, and one probe at a time until one answers."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from redis import Redis

from enforcer.names import RegistryName
from enforcer.store.lua import script
from enforcer.validation.stored import known_fields

PROBE = 10
"""Seconds after which a probe of which nothing was heard makes room for another."""

FORGOTTEN = 3600
"""Seconds after which an outage that nobody probes any more is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A registry that is away: since when, how often that was found, why, and when it is asked again.

    Times are milliseconds since 1970 by Redis's clock.
    """

    since: int
    tries: int = 0
    next_probe: int = 0
    problem: str = ""

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote."""
        return cls(**known_fields(cls, json.loads(text)))

    def to_json(self) -> str:
        """The outage as one line."""
        return json.dumps(asdict(self))


class Outages:
    """The registries that are away, in Redis."""

    def __init__(self, redis: Redis) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._probe = script(redis, "outage_probe")

    def find(self, registry: RegistryName) -> Outage | None:
        """The outage of a registry; None while it answers."""
        text = self._redis.get(_key(registry))
        return Outage.from_json(text) if text else None

    def write(self, registry: RegistryName, outage: Outage) -> None:
        """Note an outage."""
        with self._redis.pipeline() as pipe:
            pipe.set(_key(registry), outage.to_json(), ex=FORGOTTEN)
            pipe.set(_key(registry) + ":probe", outage.next_probe, ex=FORGOTTEN)
            pipe.execute()

    def take_probe(self, registry: RegistryName) -> bool:
        """Be the one that asks next whether a registry is there again."""
        return bool(self._probe(keys=[_key(registry) + ":probe"], args=[PROBE * 1000]))

    def end(self, registry: RegistryName) -> bool:
        """Forget an outage; true for the one caller that ended it."""
        return bool(self._redis.delete(_key(registry)))


def _key(registry: RegistryName) -> str:
    return f"te:away:{registry}"
