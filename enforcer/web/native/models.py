"""Policies as the native API takes and gives them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, create_model
from pydantic.config import JsonDict

from enforcer.policies.declaration import PolicySettings, RepositorySelectorSettings, TagSelectorSettings, declaration
from enforcer.policies.policy import Policy as StoredPolicy
from enforcer.validation.fields import Table
from enforcer.web.native.paging import Page
from enforcer.web.native.texts import Namespace, NamespaceText, RegistryName, RegistryText, Shape, TimeText


def _same(name: str) -> Any:
    """A field that means what it means in the configuration."""
    return Field(description=PolicySettings.model_fields[name].description)


class PolicyDraft(PolicySettings):
    """A policy to be created or previewed."""

    registry: RegistryName = _same("registry")
    namespace: Namespace = _same("namespace")


def _without_defaults(schema: JsonDict) -> None:
    properties = schema["properties"]
    assert isinstance(properties, dict)
    for field in properties.values():
        assert isinstance(field, dict)
        field.pop("default", None)


class Change(Table):
    """A change; fields that are left out stay as they are."""

    model_config = ConfigDict(validate_default=False, json_schema_extra=_without_defaults)


def _change(name: str, model: type[Table], without: tuple[str, ...] = (), **replaced: Any) -> Any:
    """A model with the fields of another, none of which must be given."""
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        if key not in without:
            described = Field(description=field.description, json_schema_extra=field.json_schema_extra)
            marks = () if key in replaced else field.metadata
            fields[key] = (Annotated[replaced.get(key, field.annotation), *marks, described], None)
    return create_model(name, __base__=Change, __doc__=Change.__doc__, **fields)


PolicyChange: type[Change] = _change(
    "PolicyChange",
    PolicySettings,
    without=("registry", "namespace"),
    repositories=_change("RepositorySelectorChange", RepositorySelectorSettings),
    tags=_change("TagSelectorChange", TagSelectorSettings),
)
"""Every field of a policy but where it applies: that stays."""


def changed(policy: StoredPolicy, change: Change) -> StoredPolicy:
    """The policy with that change; of a selector, too, what is left out stays."""
    fields, given = policy.as_dict(), change.model_dump(mode="json", exclude_unset=True)
    for name in {"repositories", "tags"} & given.keys():
        given[name] = fields[name] | given[name]
    return StoredPolicy.from_dict(fields | given)


class RepositorySelector(Shape):
    """Which repositories of the namespace."""

    decoration: Literal["repoMatches", "repoExcludes"] = Field(
        description="Whether the pattern names those that are meant or those that are not."
    )
    pattern: str = Field(description="Pattern for the repository without its namespace, as it was given.")


class TagSelector(Shape):
    """Which tags of these repositories."""

    decoration: Literal["matches", "excludes"] = Field(
        description="Whether the pattern names those that are meant or those that are not."
    )
    pattern: str = Field(description="Pattern for the tag, as it was given.")


class Policy(Shape):
    """A policy that is there."""

    id: int = Field(description="Number of the policy, unique over all registries.")
    registry: RegistryText = _same("registry")
    namespace: NamespaceText = _same("namespace")
    repositories: RepositorySelector = _same("repositories")
    tags: TagSelector = _same("tags")
    disabled: bool = _same("disabled")
    priority: int = _same("priority")
    mode: Literal["enforce", "observe"] = _same("mode")
    protect: list[Literal["overwrite", "delete"]] = _same("protect")
    signature_tags: bool = _same("signature_tags")
    settle: int = _same("settle")
    bypass_actors: list[str] = _same("bypass_actors")
    comment: str = _same("comment")
    effective_since: TimeText = Field(
        description="Its creation, last enabling or last change of a selector: what happened earlier is no violation."
    )
    origin: str = Field(description="settings if the configuration file declares it, else empty.")
    revision: int = Field(description="Number of its changes; the ETag is the same in quotes.")

    @classmethod
    def of(cls, policy: StoredPolicy) -> Self:
        """A stored policy as the API shows it."""
        return cls(
            **declaration(policy),
            id=policy.id,
            effective_since=policy.effective_since,
            origin=policy.origin,
            revision=policy.revision,
        )


class PolicyPage(Page[Policy]):
    """Some of the policies, by id."""
