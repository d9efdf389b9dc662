"""Immutability rules as SWR and Harbor write them, and the policies that they are here.

The two share all but a few fields. Everything that the vendors leave unchecked, so that a rule is stored and protects
nothing, is checked here: exactly one tag selector, exactly one repository selector, kind, decoration, pattern.
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BeforeValidator, ConfigDict, Field

from enforcer.names import Namespace, RegistryName
from enforcer.policies.declaration import PatternText
from enforcer.policies.patterns import Pattern
from enforcer.policies.policy import Policy, Selector
from enforcer.times import Time
from enforcer.validation.json_object import JsonObject

Kind = Literal["doublestar"]
Priority = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]


def _exactly_one(given: Any) -> Any:
    if isinstance(given, list) and len(given) != 1:
        raise ValueError(f"should hold exactly one selector, got {len(given)}")
    return given


class SelectorBody(JsonObject):
    """A selector; what stands for `decoration` is the dialect's."""

    kind: Kind = "doublestar"
    decoration: str
    pattern: PatternText
    extras: str = Field(default="", max_length=1024)

    def selector(self) -> Selector:
        """The selector of a policy."""
        return Selector(self.decoration, Pattern.parse(self.pattern), self.extras)


class RepositorySelectorBody(SelectorBody):
    """Which repositories."""

    decoration: Literal["repoMatches", "repoExcludes"]


class TagSelectorBody(SelectorBody):
    """Which tags."""

    decoration: Literal["matches", "excludes"]


Repositories = TypeVar("Repositories", bound=SelectorBody)
Tags = TypeVar("Tags", bound=SelectorBody)
Body = TypeVar("Body", bound=SelectorBody)
One = Annotated[list[Body], BeforeValidator(_exactly_one)]


class ScopeBody(JsonObject, Generic[Repositories]):
    """The scope of the rule: repositories are all that there is."""

    model_config = ConfigDict(extra="forbid")

    repository: One[Repositories]


class RuleBody(JsonObject, Generic[Repositories, Tags]):
    """A rule as a client sends it."""

    priority: Priority = 0
    disabled: bool = False
    action: Literal["immutable", ""] = ""
    template: Literal["immutable_template", ""] = ""
    tag_selectors: One[Tags]
    scope_selectors: ScopeBody[Repositories]

    @property
    def repositories(self) -> Selector:
        """The only repository selector."""
        return self.scope_selectors.repository[0].selector()

    @property
    def tags(self) -> Selector:
        """The only tag selector."""
        return self.tag_selectors[0].selector()

    def draft(self, registry: RegistryName, namespace: Namespace) -> Policy:
        """The policy that the rule asks for, with our own fields as they are by default."""
        return Policy(
            id=0,
            registry=registry,
            namespace=namespace,
            repositories=self.repositories,
            tags=self.tags,
            disabled=self.disabled,
            priority=self.priority,
            effective_since=Time.now(),
        )
