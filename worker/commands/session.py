"""The session of an operator's command: settings, Redis, and the policies in force."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from enforcer.cli import logs
from enforcer.cli.settings import read_settings
from enforcer.store.connection import running_database
from enforcer.store.opening import prepared
from worker.context import TIMING, Context, Timing

logger = logging.getLogger(__name__)


@contextmanager
def session(config: Path | None, *, changes: bool = True) -> Iterator[Context]:
    """The context of a command; its log lines say no more than what went wrong.

    One that `changes` anything begins as every start does: the policies of the configuration file come into force.
    """
    settings = read_settings(config)
    logs.configure("warning" if settings.log_level == "info" else settings.log_level)
    opened = prepared(settings) if changes else running_database(*settings.database)
    with opened as redis:
        given = click.get_current_context().find_object(Timing)  # by tests, which have no time to wait
        context = Context(settings, redis, consumer="command", timing=given or TIMING)
        if settings.policies and not list(context.policies.current()):
            logger.warning("no policy is in force: those of the configuration file are from the first start on")
        yield context
