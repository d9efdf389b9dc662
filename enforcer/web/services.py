"""What request handlers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app
from redis import Redis

from enforcer.log import Log
from enforcer.queue import Queues
from enforcer.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The settings and what is kept in Redis; one for an application."""

    settings: Settings
    redis: Redis
    log: Log
    queues: Queues


def init_app(app: Flask, settings: Settings, redis: Redis) -> None:
    """Give the application its services."""
    log = Log(redis, dead_letters=settings.dead_letters)
    app.extensions["enforcer"] = Services(settings, redis, log, Queues(redis))


def services() -> Services:
    """The services of the application that handles the current request."""
    return cast("Services", current_app.extensions["enforcer"])
