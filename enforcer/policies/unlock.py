"""Unlocks: for a while, some tags are not protected. They lock again by themselves, as what they are then."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from enforcer.errors import InvalidName
from enforcer.names import NO_NAMESPACE, RegistryName, Repository, Tag
from enforcer.policies.patterns import Pattern
from enforcer.times import Time
from enforcer.validation.stored import known_fields

LONGEST = 7 * 86400
"""Seconds that an unlock may last; who needs more changes the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """Tags that every user may move or delete from `begins` until `ends`; both patterns compare whole names.

    Unlike in policies, the repository is compared with its namespace.
    """

    id: int
    registry: RegistryName
    repositories: Pattern
    tags: Pattern
    begins: Time
    ends: Time
    by: str
    reason: str

    @classmethod
    def parse(cls, registry: RegistryName, text: str, *, seconds: float, now: Time, by: str, reason: str) -> Self:
        """Read `repository:tag`, each a name or a pattern; it begins now. Raises `InvalidName` or `InvalidPattern`."""
        repositories, colon, tags = text.rpartition(":")
        if not colon:
            raise InvalidName(f"{text[:80]!r} is no tag: write repository:tag, each a name or a pattern")
        if not 0 < seconds <= LONGEST:
            raise InvalidName(f"an unlock lasts up to {LONGEST // 86400} days, not {seconds:.0f} seconds")
        return cls(
            id=0,
            registry=registry,
            repositories=Pattern.parse(repositories),
            tags=Pattern.parse(tags),
            # Harbor tells whole seconds: what is pushed from now on may seem that old.
            begins=Time(f"{now[:19]}Z"),
            ends=now.plus(seconds),
            by=by,
            reason=reason,
        )

    @property
    def reference(self) -> str:
        """The tags that are unlocked, as they were asked for: `repository:tag`, each a name or a pattern."""
        return f"{self.repositories.text}:{self.tags.text}"

    def is_in_force(self, time: Time) -> bool:
        """True if it had begun and not ended at that time."""
        return self.begins <= time < self.ends

    def selects(self, repository: Repository, tag: Tag) -> bool:
        """True if it unlocks the tag, as long as it is in force."""
        return self.repositories.matches(repository) and self.tags.matches(tag)

    def covers(self, repository: Repository, tag: Tag, time: Time) -> bool:
        """True if the tag was unlocked at that time."""
        return self.is_in_force(time) and self.selects(repository, tag)

    @property
    def place(self) -> str:
        """Where all that it unlocks is: `registry/namespace`, or `registry` where that is in several."""
        first, slash, _ = self.repositories.text.partition("/")
        try:
            Repository(first)
        except InvalidName:  # a pattern
            return self.registry
        return f"{self.registry}/{first if slash else NO_NAMESPACE}"

    def ended(self, now: Time) -> Self:
        """The unlock, ended early."""
        # An end that is moved later would unlock anew what was judged as protected in between.
        return replace(self, ends=min(self.ends, now))

    def as_dict(self) -> dict[str, Any]:
        """The unlock for JSON."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"repositories": self.repositories.text, "tags": self.tags.text}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        return cls(
            **known_fields(cls, fields)
            | {
                "registry": RegistryName(fields["registry"]),
                "repositories": Pattern.parse(fields["repositories"]),
                "tags": Pattern.parse(fields["tags"]),
                "begins": Time(fields["begins"]),
                "ends": Time(fields["ends"]),
            }
        )
