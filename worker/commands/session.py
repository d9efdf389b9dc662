"""What the operator's commands have in common: settings, Redis, the policies in force, and what they may be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from enforcer import logs
from enforcer.command_line import read_settings
from enforcer.names import RegistryName
from enforcer.start import prepared
from worker.context import Context


@contextmanager
def session(config: Path | None) -> Iterator[Context]:
    """What a command works with; its log lines say no more than what went wrong."""
    settings = read_settings(config)
    logs.configure("warning" if settings.log_level == "info" else settings.log_level)
    with prepared(settings) as redis:
        yield Context(settings, redis, consumer="command")


def chosen_registry(context: Context, name: str | None) -> RegistryName:
    """The registry of that name, or the only one. Ends the command where there is none, or a choice."""
    known = list(context.settings.registries)
    if name is None and len(known) == 1:
        return RegistryName(known[0])
    if name not in known:
        raise click.UsageError(f"name a registry by --registry: {', '.join(known)}")
    return RegistryName(name)
