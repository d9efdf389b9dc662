"""Checks of a whole installation, told from its configuration file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_IROTH
from typing import Any, get_origin

from pydantic import BaseModel
from redis import RedisError

from enforcer.cli.check.registry import check_registry
from enforcer.cli.check.result import Result, failed, ok, warning
from enforcer.cli.check.store import check_budgets, check_data_dir, check_store
from enforcer.errors import EnforcerError, InvalidSettings
from enforcer.names import NO_NAMESPACE, Namespace, RegistryName
from enforcer.policies.policy import Mode, Policy
from enforcer.settings.file import find_file, read_table
from enforcer.settings.keys import is_secret, model_in
from enforcer.settings.settings import EMBEDDED, AlertSettings, PolicySettings, Settings, load
from enforcer.store.connection import running_database, safe_url
from enforcer.store.policies import SETTINGS
from enforcer.store.stores import Stores

AnyPolicy = Policy | PolicySettings


def check_installation(config: Path | None = None, environ: Mapping[str, str] = os.environ) -> Iterator[Result]:
    """Check everything that the settings tell of; where they are wrong themselves, that is all that is said."""
    try:
        file = find_file(config, environ)
        settings = load(file, environ)
    except InvalidSettings as error:
        yield from (failed("settings", problem) for problem in error.problems)
        return
    yield check_file(file)
    policies: list[AnyPolicy] = list(settings.policies)
    yield from _check_database(settings, policies)
    yield check_policies(policies)
    yield from check_settling(policies)
    for name, registry in settings.registries.items():
        restored = restored_namespaces(name, registry.namespaces, policies)
        enabled = [policy for policy in policies if policy.registry == name and not policy.disabled]
        bypassed = [policy.namespace for policy in enabled if policy.bypass_actors]
        yield from check_registry(name, registry, restored, settings.public_url, bypassed=bypassed)
    yield check_alerts(settings.alerts)


def check_file(file: Path) -> Result:
    """Check that no other user can read the secrets of the configuration file."""
    if file.stat().st_mode & S_IROTH and _holds_secret(Settings, read_table(file)):
        return warning("settings", f"{file} holds secrets and everybody on this machine can read it: chmod o-r {file}")
    return ok("settings", f"{file} is valid")


def _holds_secret(model: type[BaseModel], table: Mapping[str, Any]) -> bool:
    """True if a secret stands in the table itself, not in a file that it names."""
    for key, field in model.model_fields.items():
        value, inner = table.get(key), model_in(field.annotation)
        if not value:
            continue
        if is_secret(field) and (key != "redis_url" or "@" in value):
            return True
        if inner and any(_holds_secret(inner, each) for each in _tables(field.annotation, value)):
            return True
    return False


def _tables(annotation: Any, value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return value
    return list(value.values()) if get_origin(annotation) is dict else [value]


def _check_database(settings: Settings, policies: list[AnyPolicy]) -> Iterator[Result]:
    """Check Redis, and add the policies that are stored there."""
    url = settings.redis_url.get_secret_value()
    problem = check_data_dir(settings.data_dir) if url == EMBEDDED else None
    if problem is not None:
        yield problem
        return
    address = str(settings.data_dir) if url == EMBEDDED else safe_url(url)
    try:
        with running_database(*settings.database) as redis:
            yield from check_store(redis, address)
            stores = Stores.open(settings, redis)
            yield from check_budgets(stores, settings)
            stored = stores.policies.current()
            policies += [policy for policy in stored if policy.origin != SETTINGS]
    except (EnforcerError, RedisError) as error:
        yield failed("redis", str(error))


def check_policies(policies: Sequence[AnyPolicy]) -> Result:
    """Check that some tag is protected."""
    enabled = [policy for policy in policies if not policy.disabled]
    if not enabled:
        return warning("policies", "there are none, so no tag is protected: add a table [[policies]]")
    return ok("policies", f"{len(enabled)} in force")


def check_settling(policies: Sequence[AnyPolicy]) -> Iterator[Result]:
    """The policies under which an index may take a new tag over: a trade of safety for old build tools."""
    for policy in policies:
        if policy.settle and not policy.disabled:
            where = f"{policy.registry}/{policy.namespace}"
            text = (
                f"a policy of {where} lets new tags settle for {policy.settle:.0f} s: an index that claims to be by the"
            )
            yield warning(
                "policies", f"{text} same client may take them over; set settle = 0 once buildx is 0.22 or newer"
            )


def restored_namespaces(
    name: RegistryName, known: Sequence[Namespace], policies: Sequence[AnyPolicy]
) -> list[Namespace]:
    """The namespaces of a registry in which tags are to be restored; where nothing says which, that without a name.

    A namespace whose policies only observe is none of them: a read-only account will do.
    """
    own = [policy for policy in policies if policy.registry == name]
    enforced = {policy.namespace for policy in own if policy.mode == Mode.ENFORCE}
    observed = {policy.namespace for policy in own} - enforced
    if not own and not known:
        return [Namespace(NO_NAMESPACE)]
    return sorted(enforced | (set(known) - observed))


def check_alerts(alerts: AlertSettings) -> Result:
    """Check that alerts have a channel."""
    channels = len(alerts.urls) + (alerts.webhook_url is not None)
    if not channels:
        return warning("alerts", "nobody is told of violations: set urls or webhook_url in [alerts]")
    return ok("alerts", f"{channels} channel{'s' if channels > 1 else ''}")
