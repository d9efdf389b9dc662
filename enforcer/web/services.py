"""What request handlers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, cast

from flask import Flask, current_app
from redis import Redis

from enforcer.settings.settings import Settings
from enforcer.store.stores import Stores
from enforcer.web.accounts import Accounts


@dataclass(frozen=True, slots=True)
class Services:
    """The settings, their accounts and what is kept in Redis; one for an application."""

    settings: Settings
    accounts: Accounts
    stores: Stores

    @classmethod
    def of(cls, settings: Settings, redis: Redis) -> Self:
        """The services on that Redis."""
        return cls(settings, Accounts(settings.accounts), Stores.open(settings, redis))


def init_app(app: Flask, settings: Settings, redis: Redis) -> None:
    """Give the application its services."""
    app.extensions["enforcer"] = Services.of(settings, redis)


def services() -> Services:
    """The services of the application that handles the current request."""
    return cast("Services", current_app.extensions["enforcer"])
