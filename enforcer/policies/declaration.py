"""The tables `[[policies]]`: policies as code, and what can be told of them only together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from enforcer.errors import InvalidPattern
from enforcer.policies.patterns import MAX_LENGTH, Pattern
from enforcer.policies.policy import Policy, Selector
from enforcer.times import Time
from enforcer.validation.fields import AnyList, Namespace, RegistryName, Table, Text
from enforcer.validation.problems import Problems, suggestion

POLICIES_PER_NAMESPACE = 1
"""Unless the configuration says otherwise; SWR and TCR allow one as well."""

_AGAINST: tuple[Literal["overwrite", "delete"], ...] = ("overwrite", "delete")


def _joined(given: Any) -> Any:
    """One pattern for a list of them: each on its own must be one, so that none can end the braces of all."""
    if not isinstance(given, list | tuple) or not all(isinstance(option, str) for option in given):
        return given
    if not given:
        raise ValueError("is empty; a pattern for everything is **")
    for option in given:
        # Before they are joined: "a}" and "{b" would make braces that neither of them has.
        try:
            Pattern.parse(option)
        except InvalidPattern as error:
            raise InvalidPattern(f"in {option[:40]!r}: {error}") from error
    return given[0] if len(given) == 1 else "{" + ",".join(given) + "}"


def _pattern(text: str) -> str:
    Pattern.parse(text)
    return text


def _in_order(given: tuple[Any, ...]) -> tuple[Any, ...]:
    if not given:
        raise ValueError("is empty: name 'overwrite', 'delete' or both; a policy is switched off by disabled = true")
    return tuple(against for against in _AGAINST if against in given)


_PATTERN_SCHEMA = {"type": "string", "format": "tag-pattern", "minLength": 1, "maxLength": MAX_LENGTH}
PatternText = Annotated[
    str,
    BeforeValidator(_joined),
    AfterValidator(_pattern),
    WithJsonSchema({"anyOf": [_PATTERN_SCHEMA, {"type": "array", "minItems": 1, "items": _PATTERN_SCHEMA}]}),
]


class RepositorySelectorSettings(Table):
    """Which repositories of the namespace."""

    decoration: Literal["repoMatches", "repoExcludes"] = Field(
        default="repoMatches", description="Whether the pattern names those that are meant or those that are not."
    )
    pattern: PatternText = Field(
        default="**", description="Pattern for the repository without its namespace, or a list of patterns."
    )


class TagSelectorSettings(Table):
    """Which tags of these repositories."""

    decoration: Literal["matches", "excludes"] = Field(
        default="matches", description="Whether the pattern names those that are meant or those that are not."
    )
    pattern: PatternText = Field(description="Pattern for the tag, or a list of patterns.")


class PolicySettings(Table):
    """A policy as it is declared; its id and since when it is in force are known to the store alone."""

    registry: RegistryName = Field(description="Name of a configured registry.")
    namespace: Namespace = Field(description="Namespace whose tags it protects; _ for repositories without a slash.")
    repositories: RepositorySelectorSettings = Field(
        default=RepositorySelectorSettings(), description="Which repositories of the namespace; if not given, all."
    )
    tags: TagSelectorSettings = Field(description="Which tags of these repositories.")
    disabled: bool = Field(default=False, description="Whether it is switched off.")
    priority: int = Field(
        default=0, ge=-(2**31), le=2**31 - 1, description="Kept for clients of the vendor APIs; without effect."
    )
    mode: Literal["enforce", "observe"] = Field(
        default="enforce", description="Whether a violation is undone and reported, or only reported."
    )
    protect: Annotated[tuple[Literal["overwrite", "delete"], ...], AnyList, AfterValidator(_in_order)] = Field(
        default=_AGAINST, description="What the tags are protected against.", json_schema_extra={"minItems": 1}
    )
    signature_tags: bool = Field(
        default=False,
        description="Whether tags of signatures (sha256-...) are protected, which tools rewrite by design.",
    )
    settle: int = Field(
        default=0,
        ge=0,
        le=86_400,
        description="For so many seconds an index that lists a new tag's first digest may take its place; 0: never.",
    )
    bypass_actors: Annotated[tuple[Text, ...], AnyList] = Field(
        default=(),
        description="Users whose pushes and deletions are no violations, if the registry asks for credentials.",
    )
    comment: str = Field(default="", max_length=1024, description="Why the policy is there; up to 1024 characters.")


def check_together(table: Mapping[str, Any], problems: Problems) -> None:
    """Reject policies of registries that are not configured, and those for which their namespace has no room.

    It looks at the table as it was written, so that it also speaks when some of the policies are wrong by themselves.
    """
    registries, policies = table.get("registries"), table.get("policies")
    limit = table.get("policies_per_namespace", POLICIES_PER_NAMESPACE)
    seen: Counter[tuple[str, str]] = Counter()
    for position, policy in enumerate(policies if isinstance(policies, list) else ()):
        registry, namespace = (
            policy.get(key) if isinstance(policy, dict) else None for key in ("registry", "namespace")
        )
        if not isinstance(registry, str) or not isinstance(namespace, str):
            continue
        if isinstance(registries, dict) and registry not in registries:
            text = f"no registry is configured as {registry!r}{suggestion(registry, registries)}"
            problems.reject(("policies", position, "registry"), text)
        seen[registry, namespace] += 1
        if isinstance(limit, int) and seen[registry, namespace] > limit:
            text = f"one more than policies_per_namespace ({limit}) allows in {namespace} of {registry}"
            problems.reject(("policies", position), text)


def draft(declared: PolicySettings, *, origin: str = "") -> Policy:
    """A policy as it is declared; its id and time are given when it is created."""
    fields = declared.model_dump(mode="json") | {"id": 0, "effective_since": Time.now(), "origin": origin}
    return Policy.from_dict(fields)


def declaration(policy: Policy) -> dict[str, Any]:
    """Everything of a policy that can be declared, as JSON and TOML have it."""
    fields = policy.as_dict()
    return {name: fields[name] for name in PolicySettings.model_fields} | {
        "repositories": _selector(policy.repositories, "repoMatches", "repoExcludes"),
        "tags": _selector(policy.tags, "matches", "excludes"),
        "protect": sorted(policy.protect, reverse=True),
        "settle": round(policy.settle),
    }


def short_declaration(policy: Policy) -> dict[str, Any]:
    """The same without what is so by default, except for the selectors."""
    fields = declaration(policy)
    defaults = {name: field.default for name, field in PolicySettings.model_fields.items() if name != "repositories"}
    return {name: value for name, value in fields.items() if name not in defaults or _differs(value, defaults[name])}


def to_toml(policies: Iterable[Policy]) -> str:
    """The policies as `[[policies]]` tables, which `enforcer policy apply` and enforcer.toml take."""
    tables = [
        "[[policies]]\n" + "".join(f"{name} = {_value(value)}\n" for name, value in short_declaration(policy).items())
        for policy in policies
    ]
    return "\n".join(tables) or "policies = []\n"


def _selector(selector: Selector, matches: str, excludes: str) -> dict[str, str]:
    """SWR stores decorations of repositories for tags as well."""
    return {"decoration": excludes if selector.excludes else matches, "pattern": selector.pattern.text}


def _differs(value: Any, default: Any) -> bool:
    return bool(value != (list(default) if isinstance(default, tuple) else default))


def _value(value: Any) -> str:
    """A TOML value. Strings, lists and numbers are those of JSON, except that DEL must be escaped."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(part)}" for name, part in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
