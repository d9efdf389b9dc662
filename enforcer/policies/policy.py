"""Policies: which tags of a namespace are immutable, against what, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from enforcer.events import UNSHOWN
from enforcer.names import Namespace, RegistryName, Repository, Tag
from enforcer.policies.patterns import Pattern
from enforcer.times import Time
from enforcer.validation.stored import known_fields


class Mode(StrEnum):
    """The answer to a violation: it is undone (enforce) or only reported (observe)."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Against(StrEnum):
    """The kinds of change that a policy protects tags against."""

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
        """True if the pattern names the exceptions."""
        # SWR has the words of repositories for tags too: repoExcludes and excludes are one.
        return self.decoration.lower().endswith("excludes")

    @property
    def meaning(self) -> tuple[bool, Pattern]:
        """The selection itself, however it is spelled."""
        return (self.excludes, self.pattern)

    def selects(self, name: str) -> bool:
        """True if the selector means the repository path or tag."""
        return self.pattern.matches(name) is not self.excludes


@dataclass(frozen=True, slots=True)
class Protection:
    """The policies that match a tag, taken together, at the time of one event.

    Those that its actor may bypass say nothing: they are only named.
    """

    overwrite: bool
    delete: bool
    enforce: bool
    settle: float
    """Seconds for which a new record may still be superseded by the index that lists it."""
    policies: tuple[int, ...]
    bypassed: tuple[int, ...] = ()

    @property
    def is_whole(self) -> bool:
        """True if no other protection could add to it."""
        return self.overwrite and self.delete and self.enforce

    def joined(self, other: Protection | None) -> Protection:
        """The protection against everything that this one or the other protects against."""
        if other is None:
            return self
        return Protection(
            overwrite=self.overwrite or other.overwrite,
            delete=self.delete or other.delete,
            enforce=self.enforce or other.enforce,
            settle=max(self.settle, other.settle),
            policies=tuple(sorted({*self.policies, *other.policies})),
            bypassed=tuple(sorted({*self.bypassed, *other.bypassed})),
        )

    def as_dict(self) -> dict[str, Any]:
        """The protection for JSON; what was bypassed only where something was."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields if self.bypassed else {name: fields[name] for name in fields if name != "bypassed"}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        lists = {name: tuple(fields.get(name, ())) for name in ("policies", "bypassed")}
        return cls(**known_fields(cls, fields) | lists)


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
    settle: float = 0
    bypass_actors: frozenset[str] = frozenset()
    comment: str = ""
    action: str = "immutable"
    """As SWR's clients sent it: there is no other, but Terraform wants to see nothing where it sent nothing."""
    template: str = "immutable_template"
    """The same of this one."""
    effective_since: Time
    """Its creation, last enabling or last change of a selector: what happened earlier is not judged by it."""
    origin: str = ""
    """Its owner: "settings" for one that the configuration file declares."""
    revision: int = 1
    """Counts its changes, so that no client overwrites a version that it has not seen."""

    @property
    def scope(self) -> tuple[object, ...]:
        """Where it applies: changing any of this makes it another rule from then on."""
        return (self.registry, self.namespace, self.repositories.meaning, self.tags.meaning)

    def as_dict(self) -> dict[str, Any]:
        """The policy for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        for name in ("repositories", "tags"):
            fields[name] = fields[name].as_dict()
        # Only where they are empty: the default, which nearly all have, would fill the export.
        for name in ("action", "template"):
            if fields[name]:
                del fields[name]
        return fields | {"protect": sorted(self.protect), "bypass_actors": sorted(self.bypass_actors)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(
            **known_fields(cls, fields)
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
        """True if it would protect the tag, were it enabled and in force."""
        return (
            (self.signature_tags or not tag.is_signature)
            and self.repositories.selects(repository.path)
            and self.tags.selects(tag)
        )

    def is_in_force(self, time: Time) -> bool:
        """True if it was in force at that time."""
        return not self.disabled and self.effective_since <= time

    def is_bypassed_by(self, actor: str) -> bool:
        """True if it does not bind that actor; an unknown user, and one whose name cannot be shown, is always bound."""
        return bool(actor) and UNSHOWN not in actor and actor in self.bypass_actors
