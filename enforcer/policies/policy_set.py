"""All policies together, and the protection of a tag that follows from them, at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from enforcer.errors import NotFound
from enforcer.names import RegistryName, Repository, Tag
from enforcer.policies.policy import Against, Mode, Policy, Protection
from enforcer.policies.unlock import Unlock
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class Former:
    """A policy as it was until that time, when it was changed or deleted."""

    policy: Policy
    until: Time

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"until": self.until, "policy": self.policy.as_dict()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(Policy.from_dict(fields["policy"]), Time(fields["until"]))


_NamespaceKey = tuple[str, str]


class PolicySet:
    """All policies of one version, found by namespace: those of other namespaces cost an event nothing.

    With their former versions, as far as those are known: an event may be judged after its policy was changed.
    `asking` are the registries that ask for credentials: of others, an actor is what a client claims to be.
    """

    def __init__(
        self,
        policies: Iterable[Policy | dict[str, Any]],
        version: int = 0,
        *,
        unlocks: Iterable[Unlock] = (),
        former: Iterable[dict[str, Any]] = (),
        asking: Iterable[str] = (),
    ) -> None:
        self.version = version
        self.unlocks = tuple(unlocks)
        self.asking = frozenset(asking)
        self._fields: dict[_NamespaceKey, list[dict[str, Any]]] = defaultdict(list)
        self._places: dict[int, _NamespaceKey] = {}
        self._read: dict[_NamespaceKey, tuple[Policy, ...]] = {}
        for policy in policies:
            fields = policy.as_dict() if isinstance(policy, Policy) else policy
            place = (fields["registry"], fields["namespace"])
            self._fields[place].append(fields)
            self._places[fields["id"]] = place
        self._former_fields: dict[_NamespaceKey, list[dict[str, Any]]] = defaultdict(list)
        self._former: dict[_NamespaceKey, list[Former]] = {}
        for one in former:
            self._former_fields[one["policy"]["registry"], one["policy"]["namespace"]].append(one)

    def of_namespace(self, registry: str, namespace: str) -> tuple[Policy, ...]:
        """The policies of a namespace, by id."""
        place = (registry, namespace)
        if place not in self._fields:
            return ()
        if place not in self._read:
            # Threads may both read it: each writes the same, whole value, so there is no need for a lock.
            self._read[place] = tuple(sorted(map(Policy.from_dict, self._fields[place]), key=lambda policy: policy.id))
        return self._read[place]

    def was_changed(self, registry: str, namespace: str, after: Time) -> bool:
        """True if a policy of the namespace is known to have been another one at some time after that."""
        former = self._former_of((registry, namespace))
        return bool(former) and former[0].until > after

    def of_origin(self, origin: str) -> list[Policy]:
        """The policies of one owner, by id."""
        owned = [fields for listed in self._fields.values() for fields in listed if fields["origin"] == origin]
        return sorted(map(Policy.from_dict, owned), key=lambda policy: policy.id)

    def __iter__(self) -> Iterator[Policy]:
        """Every policy, by id."""
        policies = (policy for place in self._fields for policy in self.of_namespace(*place))
        return iter(sorted(policies, key=lambda policy: policy.id))

    def __contains__(self, policy_id: int) -> bool:
        return policy_id in self._places

    @property
    def highest_id(self) -> int:
        """The largest id, or 0."""
        return max(self._places, default=0)

    def get(self, policy_id: int) -> Policy:
        """One policy. Raises `NotFound`."""
        for policy in self.of_namespace(*self._places.get(policy_id, ("", ""))):
            if policy.id == policy_id:
                return policy
        raise NotFound(f"there is no policy {policy_id}", "policy")

    def protection(
        self, registry: RegistryName, repository: Repository, tag: Tag, time: Time, actor: str = ""
    ) -> Protection | None:
        """The protection of the tag against that actor at that time; None if no policy was in force for the tag."""
        matching = [
            policy
            for policy in self._at(registry, repository.namespace, time)
            if policy.is_in_force(time) and policy.selects(repository, tag)
        ]
        if not matching or self._is_unlocked(registry, repository, tag, time):
            return None
        known = actor if registry in self.asking else ""
        binding = [policy for policy in matching if not policy.is_bypassed_by(known)]
        return Protection(
            overwrite=any(Against.OVERWRITE in policy.protect for policy in binding),
            delete=any(Against.DELETE in policy.protect for policy in binding),
            enforce=any(policy.mode is Mode.ENFORCE for policy in binding),
            settle=max((policy.settle for policy in binding), default=0),
            policies=tuple(policy.id for policy in binding),
            bypassed=tuple(policy.id for policy in matching if policy.is_bypassed_by(known)),
        )

    def lets_settle(self, registry: RegistryName, repository: Repository) -> bool:
        """True if a policy lets tags of the repository settle now."""
        return any(
            policy.settle and not policy.disabled and policy.repositories.selects(repository.path)
            for policy in self.of_namespace(registry, repository.namespace)
        )

    def protected_since(self, registry: RegistryName, repository: Repository, tag: Tag, now: Time) -> Time | None:
        """When the protection of a tag began that lasts until now; None if it is not protected.

        That is when a policy came into force, or when an unlock ended.
        """
        if self.protection(registry, repository, tag, now) is None:
            return None
        former = self._former_of((registry, repository.namespace))
        policies = [*self.of_namespace(registry, repository.namespace), *(one.policy for one in former)]
        began = {policy.effective_since for policy in policies if policy.selects(repository, tag)}
        began |= {one.until for one in former}
        began |= {each.ends for each in self.unlocks if each.registry == registry and each.selects(repository, tag)}
        times = sorted(time for time in began if time <= now)
        return next((time for time in reversed(times) if self._begins(registry, repository, tag, time)), times[0])

    def _begins(self, registry: RegistryName, repository: Repository, tag: Tag, time: Time) -> bool:
        # One nanosecond is the step of these times: nothing lies between.
        before = self.protection(registry, repository, tag, time.plus(-1e-9))
        return before is None and self.protection(registry, repository, tag, time) is not None

    def _at(self, registry: str, namespace: str, time: Time) -> Iterable[Policy]:
        """The policies of a namespace as they were at that time."""
        current, former = self.of_namespace(registry, namespace), self._former_of((registry, namespace))
        if not former or former[0].until <= time:
            return current
        versions = {policy.id: policy for policy in current}
        versions |= {one.policy.id: one.policy for one in former if time < one.until}  # the earliest of each comes last
        return [versions[policy_id] for policy_id in sorted(versions)]

    def _former_of(self, place: _NamespaceKey) -> Sequence[Former]:
        """The former versions of a namespace's policies, the latest first."""
        if place not in self._former_fields:
            return ()
        if place not in self._former:
            read = map(Former.from_dict, self._former_fields[place])
            self._former[place] = sorted(read, key=lambda one: one.until, reverse=True)
        return self._former[place]

    def _is_unlocked(self, registry: RegistryName, repository: Repository, tag: Tag, time: Time) -> bool:
        return any(unlock.registry == registry and unlock.covers(repository, tag, time) for unlock in self.unlocks)
