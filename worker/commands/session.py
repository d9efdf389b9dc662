"""What the operator's commands have in common: settings, Redis, the policies in force, and what they may be told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from enforcer import logs
from enforcer.command_line import read_settings
from enforcer.start import prepared
from worker.context import Context


@contextmanager
def session(config: Path | None) -> Iterator[Context]:
    """What a command works with; its log lines say no more than what went wrong."""
    settings = read_settings(config)
    logs.configure("warning" if settings.log_level == "info" else settings.log_level)
    with prepared(settings) as redis:
        yield Context(settings, redis, consumer="command")
