"""Policies: which tags of a namespace are immutable, against what, and since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from enforcer.errors import NotFound
from enforcer.names import Namespace, RegistryName, Repository, Tag
from enforcer.policies.patterns import Pattern
from enforcer.policies.unlock import Unlock
from enforcer.times import Time


class Mode(StrEnum):
    """Whether a violation is undone (enforce) or only reported (observe)."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Against(StrEnum):
    """What a policy protects tags against."""

    OVERWRITE = "overwrite"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Selector:
    """A pattern, and whether it names what is meant or what is not."""

    decoration: str
    """As it was sent: SWR's clients may write `repoMatches` for tags as well."""
    pattern: Pattern
    extras: str = ""
    """Kept for clients of SWR and Harbor; without effect."""

    @classmethod
    def from_dict(cls, fields: dict[str, str]) -> Self:
        """Read a selector's JSON. Raises `InvalidPattern`."""
        return cls(fields["decoration"], Pattern.parse(fields["pattern"]), fields.get("extras", ""))

    def as_dict(self) -> dict[str, str]:
        """The selector for JSON; what only some clients use is left out where there is none."""
        fields = {"decoration": self.decoration, "pattern": self.pattern.text}
        return fields | {"extras": self.extras} if self.extras else fields

    @property
    def excludes(self) -> bool:
        """Whether the pattern names what is not meant."""
        return self.decoration.lower().endswith("excludes")

    @property
    def meaning(self) -> tuple[bool, Pattern]:
        """What it selects, however that is spelled."""
        return (self.excludes, self.pattern)

    def selects(self, name: str) -> bool:
        """Whether the selector means the repository path or tag."""
        return self.pattern.matches(name) is not self.excludes


@dataclass(frozen=True, slots=True)
class Protection:
    """What the policies that match a tag say together, at the time of one event."""

    overwrite: bool
    delete: bool
    enforce: bool
    settle: float
    """Seconds for which a new record may still be superseded by the index that lists it."""
    policies: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """The protection for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One rule: the tags that it protects are those of the repositories that it selects."""

    id: int
    registry: RegistryName
    namespace: Namespace
    repositories: Selector
    tags: Selector
    disabled: bool = False
    priority: int = 0
    mode: Mode = Mode.ENFORCE
    protect: frozenset[Against] = frozenset(Against)
    signature_tags: bool = False
    settle: float = 120
    bypass_actors: frozenset[str] = frozenset()
    comment: str = ""
    action: str = "immutable"
    """As SWR's clients sent it: there is no other, but Terraform wants to see nothing where it sent nothing."""
    template: str = "immutable_template"
    """The same of this one."""
    effective_since: Time
    """Its creation, last enabling or last change of a selector: what happened earlier is not judged by it."""
    origin: str = ""
    """Who owns it: "settings" for one that the configuration file declares."""
    revision: int = 1
    """Counts its changes, so that nobody overwrites what they have not seen."""

    @property
    def scope(self) -> tuple[object, ...]:
        """Where it applies: changing any of this makes it another rule from then on."""
        return (self.registry, self.namespace, self.repositories.meaning, self.tags.meaning)

    def as_dict(self) -> dict[str, Any]:
        """The policy for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        for name in ("repositories", "tags"):
            fields[name] = fields[name].as_dict()
        for name in ("action", "template"):
            if fields[name]:
                del fields[name]
        return fields | {"protect": sorted(self.protect), "bypass_actors": sorted(self.bypass_actors)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(
            **fields
            | {
                "registry": RegistryName(fields["registry"]),
                "namespace": Namespace(fields["namespace"]),
                "repositories": Selector.from_dict(fields["repositories"]),
                "tags": Selector.from_dict(fields["tags"]),
                "mode": Mode(fields["mode"]),
                "protect": frozenset(Against(against) for against in fields["protect"]),
                "bypass_actors": frozenset(fields["bypass_actors"]),
                "effective_since": Time(fields["effective_since"]),
            }
        )

    def selects(self, repository: Repository, tag: Tag) -> bool:
        """Whether it would protect the tag, were it enabled and in force."""
        return (
            (self.signature_tags or not tag.is_signature)
            and self.repositories.selects(repository.path)
            and self.tags.selects(tag)
        )

    def binds(self, time: Time, actor: str) -> bool:
        """Whether it was in force at that time for that actor."""
        return not self.disabled and self.effective_since <= time and not (actor and actor in self.bypass_actors)


@dataclass(frozen=True, slots=True)
class Former:
    """A policy as it was until that time, when somebody changed or deleted it."""

    policy: Policy
    until: Time

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {"until": self.until, "policy": self.policy.as_dict()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(Policy.from_dict(fields["policy"]), Time(fields["until"]))


_Place = tuple[str, str]


class PolicySet:
    """All policies of one version, found by namespace: those of other namespaces cost an event nothing.

    With what they were formerly, as far as that is known: an event may be judged after they were changed.
    """

    def __init__(
        self,
        policies: Iterable[Policy | dict[str, Any]],
        version: int = 0,
        *,
        unlocks: Iterable[Unlock] = (),
        former: Iterable[dict[str, Any]] = (),
    ) -> None:
        self.version = version
        self.unlocks = tuple(unlocks)
        self._fields: dict[_Place, list[dict[str, Any]]] = defaultdict(list)
        self._places: dict[int, _Place] = {}
        self._read: dict[_Place, tuple[Policy, ...]] = {}
        for policy in policies:
            fields = policy.as_dict() if isinstance(policy, Policy) else policy
            place = (fields["registry"], fields["namespace"])
            self._fields[place].append(fields)
            self._places[fields["id"]] = place
        self._former_fields: dict[_Place, list[dict[str, Any]]] = defaultdict(list)
        self._former: dict[_Place, list[Former]] = {}
        for one in former:
            self._former_fields[one["policy"]["registry"], one["policy"]["namespace"]].append(one)

    def of_namespace(self, registry: str, namespace: str) -> tuple[Policy, ...]:
        """The policies of a namespace, by id."""
        place = (registry, namespace)
        if place not in self._fields:
            return ()
        if place not in self._read:
            self._read[place] = tuple(sorted(map(Policy.from_dict, self._fields[place]), key=lambda policy: policy.id))
        return self._read[place]

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
        """What protected the tag against that actor at that time; None if nothing did."""
        matching = [
            policy
            for policy in self._at(registry, repository.namespace, time)
            if policy.binds(time, actor) and policy.selects(repository, tag)
        ]
        if not matching or self._is_unlocked(registry, repository, tag, time):
            return None
        return Protection(
            overwrite=any(Against.OVERWRITE in policy.protect for policy in matching),
            delete=any(Against.DELETE in policy.protect for policy in matching),
            enforce=any(policy.mode is Mode.ENFORCE for policy in matching),
            settle=max(policy.settle for policy in matching),
            policies=tuple(policy.id for policy in matching),
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

    def _former_of(self, place: _Place) -> Sequence[Former]:
        """What the policies of a namespace were, the latest first."""
        if place not in self._former_fields:
            return ()
        if place not in self._former:
            read = map(Former.from_dict, self._former_fields[place])
            self._former[place] = sorted(read, key=lambda one: one.until, reverse=True)
        return self._former[place]

    def _is_unlocked(self, registry: RegistryName, repository: Repository, tag: Tag, time: Time) -> bool:
        return any(unlock.registry == registry and unlock.covers(repository, tag, time) for unlock in self.unlocks)
