"""The breaker of a registry: where it is away it is probed, and nothing else waits for it or hammers it."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import replace

from enforcer.alerts.health import Health
from enforcer.alerts.message import Severity
from enforcer.errors import RegistryError
from enforcer.names import RegistryName, Repository
from enforcer.store.outages import Outage, Outages

LONGEST_PAUSE = 10
"""Seconds between two probes of a registry that is away, at most, also where it asks for more patience."""

PATIENCE = 60
"""Seconds for which a registry may be away before people are told."""

TELL_AGAIN = 3600
"""Seconds after which people hear again of a registry that is still away."""

OF_THE_TAG = frozenset({500, 501, 502, 504, 507})
"""Answers that may be about one tag, as fights over it provoke them."""

DOUBTED = 3
"""Repositories with such an answer, and no good one between, make it the registry's."""


class Breakers:
    """Knows which registries are away; one for each process, since it counts what that process was answered."""

    def __init__(self, outages: Outages, health: Health) -> None:
        self._outages, self._health = outages, health
        self._doubted: dict[RegistryName, set[Repository]] = defaultdict(set)
        self._away: set[RegistryName] = set()
        self._lock = threading.Lock()

    def is_away(self, registry: RegistryName) -> bool:
        """True while nothing but a probe should be asked of a registry."""
        is_away = self._outages.find(registry) is not None
        with self._lock:
            (self._away.add if is_away else self._away.discard)(registry)
        return is_away

    def away_for(self, registry: RegistryName, now: int) -> float:
        """The seconds for which a registry has been away at a time in milliseconds; 0 where it is not."""
        outage = self._outages.find(registry)
        return max(0, now - outage.since) / 1000 if outage else 0

    def take_probe(self, registry: RegistryName) -> bool:
        """True for the one that is to ask a registry which is away."""
        return self._outages.take_probe(registry)

    def answered(self, registry: RegistryName) -> None:
        """A registry gave an answer that is of use: all that wait for it may ask."""
        with self._lock:
            self._doubted.pop(registry, None)
            was_away = registry in self._away
            self._away.discard(registry)
        if was_away and self._outages.end(registry):
            self._health.over(_key(registry), f"registry {registry} answers again; its tags are being restored")

    def failed(self, registry: RegistryName, repository: Repository, error: RegistryError, now: int) -> bool:
        """True if an error is the registry's and not one tag's; it is probed from now on. `now` is in milliseconds."""
        if not error.temporary:
            return False
        with self._lock:
            if error.status in OF_THE_TAG:
                self._doubted[registry].add(repository)
                if len(self._doubted[registry]) < DOUBTED:
                    return False
            self._away.add(registry)
        outage = self._outages.find(registry) or Outage(since=now)
        if now < outage.next_probe:
            return True  # it was asked before that was known
        wait = _pause(outage.tries + 1, error.retry_after or 0)
        outage = replace(outage, tries=outage.tries + 1, problem=str(error), next_probe=now + round(1000 * wait))
        if now - outage.since >= PATIENCE * 1000:
            text = f"registry {registry} has been away for a minute, and no tag of it is restored: {error}"
            self._health.tell(_key(registry), Severity.CRITICAL, text, TELL_AGAIN, {"registry": registry})
        self._outages.write(registry, outage)
        return True


def _pause(tries: int, retry_after: float) -> float:
    return min(max(2.0 ** min(tries - 1, 10), retry_after), LONGEST_PAUSE)


def _key(registry: RegistryName) -> str:
    return f"registry {registry} away"
