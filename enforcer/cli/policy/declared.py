"""Policies that a file declares: `[[policies]]` tables as in enforcer.toml, or rules as exported from Harbor or SWR."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from enforcer.errors import InvalidPolicy
from enforcer.names import Namespace, RegistryName
from enforcer.policies.declaration import PolicySettings, check_together, draft
from enforcer.policies.policy import Policy
from enforcer.policies.vendor_rule import RepositorySelectorBody, RuleBody, SelectorBody
from enforcer.settings.secret_files import resolve
from enforcer.settings.settings import Settings
from enforcer.validation import fields
from enforcer.validation.explain import explanations
from enforcer.validation.problems import Problems

Model = TypeVar("Model", bound=BaseModel)


class _TagSelector(SelectorBody):
    """SWR documents the decorations of repositories for tags as well."""

    decoration: Literal["matches", "excludes", "repoMatches", "repoExcludes"]


class _Rule(RuleBody[RepositorySelectorBody, _TagSelector]):
    """A rule of Harbor."""


class _NamedRule(_Rule):
    """A rule of SWR, which says where it applies."""

    namespace_name: fields.Namespace


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a file. `registry` and `namespace` say where rules apply that do not say so themselves."""

    settings: Settings
    name: str
    registry: Callable[[], RegistryName]
    namespace: Namespace | None

    def read(self, content: bytes) -> list[Policy]:
        """The policies that the content declares. Raises `InvalidPolicy` with a line for each problem."""
        document = self._document(content)
        problems = Problems(Path())
        policies: list[Policy] = []
        if isinstance(document, list):
            policies = self._project_rules(document, problems)
        elif isinstance(rules := document.get("immutable_rules"), list):
            policies = self._named_rules(rules, problems)
        elif isinstance(tables := document.get("policies"), list):
            policies = self._tables(tables, problems)
        else:
            raise InvalidPolicy(
                f"{self.name} declares no policies: it should have [[policies]] tables (or policies = []), be a list "
                "of Harbor's rules, or an object with SWR's immutable_rules"
            )
        if problems.problems:
            raise InvalidPolicy("\n".join(f"{self.name}: {problem}" for problem in problems.problems))
        return policies

    def _document(self, content: bytes) -> Any:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidPolicy(f"{self.name}: not UTF-8 text") from error
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as no_json:
            try:
                return tomllib.loads(text)
            except (tomllib.TOMLDecodeError, RecursionError) as error:
                reason = f"no JSON: {no_json}" if self.name.endswith(".json") else f"no TOML: {error}"
                raise InvalidPolicy(f"{self.name}: {reason}") from error
        return document if isinstance(document, dict | list) else {}

    def _tables(self, tables: Sequence[Any], problems: Problems) -> list[Policy]:
        context = {
            "registries": self.settings.registries,
            "policies": tables,
            "policies_per_namespace": self.settings.policies_per_namespace,
        }
        check_together(context, problems)
        found = []
        for position, table in enumerate(tables):
            at = ("policies", position)
            known = resolve(PolicySettings, table, problems, at) if isinstance(table, dict) else table
            declared = _validated(PolicySettings, known, at, problems)
            if declared is not None:
                found.append(draft(declared))
        return found

    def _project_rules(self, rules: Sequence[Any], problems: Problems) -> list[Policy]:
        if self.namespace is None:
            raise InvalidPolicy(f"{self.name} does not say of which namespace its rules are: give --namespace")
        registry, namespace = self.registry(), self.namespace
        found = (_validated(_Rule, rule, (position,), problems) for position, rule in enumerate(rules))
        return [rule.draft(registry, namespace) for rule in found if rule is not None]

    def _named_rules(self, rules: Sequence[Any], problems: Problems) -> list[Policy]:
        registry = self.registry()
        found = (_validated(_NamedRule, rule, ("immutable_rules", at), problems) for at, rule in enumerate(rules))
        return [rule.draft(registry, rule.namespace_name) for rule in found if rule is not None]


def _validated(model: type[Model], given: Any, at: tuple[str | int, ...], problems: Problems) -> Model | None:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        for inside, text in explanations(error):
            problems.reject((*at, *inside), text)
        return None
