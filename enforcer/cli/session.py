"""The session of a command: the settings, the store, and the user at the terminal."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from enforcer.cli.settings import read_settings
from enforcer.names import Namespace, RegistryName
from enforcer.policies.policy import Policy
from enforcer.settings.settings import Settings
from enforcer.store.connection import running_database
from enforcer.store.policies import SETTINGS
from enforcer.store.stores import Stores
from enforcer.validation.problems import suggestion


@dataclass(frozen=True, slots=True)
class Session:
    """The settings and the store."""

    settings: Settings
    stores: Stores


@contextmanager
def open_session(config: Path | None) -> Iterator[Session]:
    """The store of the installation that is configured; its Redis must answer."""
    settings = read_settings(config)
    with running_database(*settings.database) as redis:
        yield Session(settings, Stores.open(settings, redis))


def login() -> str:
    """Who makes a change, for the audit."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"cli:{os.getuid()}"


def registry_of(settings: Settings, given: str | None) -> RegistryName:
    """The registry that is named, or the only one. Wrong usage if that is none."""
    names = list(settings.registries)
    if given is None and len(names) == 1:
        return names[0]
    if given is None:
        raise click.UsageError(f"say which registry is meant: --registry {' or '.join(names)}")
    for name in names:
        if name == given:
            return name
    raise click.UsageError(f"no registry is configured as {given!r}{suggestion(given, names)}")


def policies_of(session: Session, registry: str | None, namespace: Namespace | None) -> list[Policy]:
    """Those of a registry and namespace, or of all. Wrong usage if there is no such registry, nor was one."""
    found = [policy for policy in session.stores.policies.current() if registry in (None, policy.registry)]
    if registry is not None and not found:
        registry_of(session.settings, registry)
    return [policy for policy in found if namespace in (None, policy.namespace)]


def warn_of_settings(*policies: Policy) -> None:
    """Say which of these policies the configuration file declares: it has the last word."""
    for policy in policies:
        if policy.origin == SETTINGS:
            click.echo(
                f"note: the configuration file declares policy {policy.id}; the next start makes it what that says",
                err=True,
            )
