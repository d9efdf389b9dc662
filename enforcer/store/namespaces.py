"""Namespaces: each has a name and a number that stays, since some of the vendors' clients know it by that alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from redis import Redis

from enforcer.errors import NotFound
from enforcer.names import Namespace, RegistryName
from enforcer.settings.settings import Settings
from enforcer.store.lua import script

SEEN = "te:namespaces:seen:"
"""The prefix of the sets of namespaces that pushes named, one for each registry."""


@dataclass(frozen=True, slots=True)
class NumberedNamespace:
    """A namespace of a registry; the number is unique over all registries."""

    id: int
    registry: RegistryName
    name: Namespace


class Namespaces:
    """The namespaces that are configured, have a policy in the configuration, or were seen in a push."""

    _IDS = "te:{namespaces}:ids"
    _COUNT = "te:{namespaces}:count"

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        self._settings = settings
        self._number = script(redis, "namespaces_number")

    def of(self, registry: str) -> list[NumberedNamespace]:
        """All namespaces of a registry, by number. Raises `NotFound` for an unknown registry."""
        name = self.registry(registry)
        seen = {member.decode() for member in self._redis.smembers(SEEN + name)}
        names = sorted(seen | self._configured(name))
        numbers = self._number(keys=[self._IDS, self._COUNT], args=[f"{name}/{namespace}" for namespace in names])
        found = [
            NumberedNamespace(int(number), name, Namespace(text)) for number, text in zip(numbers, names, strict=True)
        ]
        return sorted(found, key=lambda namespace: namespace.id)

    def get(self, registry: str, name: str) -> NumberedNamespace:
        """A namespace by its name. Raises `NotFound`."""
        return _first((one for one in self.of(registry) if one.name == name), f"{registry} has no namespace {name}")

    def by_id(self, registry: str, number: int) -> NumberedNamespace:
        """A namespace by its number. Raises `NotFound`."""
        return _first((one for one in self.of(registry) if one.id == number), f"{registry} has no namespace {number}")

    def numbers(self) -> dict[str, int]:
        """The number of each `registry/namespace` that was ever asked for."""
        return {place.decode(): int(number) for place, number in self._redis.hgetall(self._IDS).items()}

    def put_back(self, place: str, number: int) -> bool:
        """Give a `registry/namespace` the number that it had; false where it has one, or another has this one."""

        def attempt(pipe: Any) -> bool:
            numbers, count = pipe.hgetall(self._IDS), int(pipe.get(self._COUNT) or 0)
            is_free = place.encode() not in numbers and str(number).encode() not in numbers.values()
            pipe.multi()
            if is_free:
                pipe.hset(self._IDS, place, number)
                pipe.set(self._COUNT, max(count, number))
            return is_free

        return bool(self._redis.transaction(attempt, self._IDS, self._COUNT, value_from_callable=True))

    def registry(self, name: str) -> RegistryName:
        """The name of a configured registry. Raises `NotFound`."""
        for known in self._settings.registries:
            if known == name:
                return RegistryName(known)
        raise NotFound(f"no registry is configured as {name[:64]!r}", "registry")

    def _configured(self, registry: RegistryName) -> set[str]:
        declared = {policy.namespace for policy in self._settings.policies if policy.registry == registry}
        return {str(name) for name in (*declared, *self._settings.registries[registry].namespaces)}


def _first(found: Iterable[NumberedNamespace], otherwise: str) -> NumberedNamespace:
    for namespace in found:
        return namespace
    raise NotFound(otherwise, "namespace")
