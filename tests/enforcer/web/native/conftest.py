from __future__ import annotations

import pytest

from enforcer.web.app import create_app
from enforcer.web.services import Services
from tests.fakes.native import NativeCaller
from tests.fakes.settings import registry_table, settings

ACCOUNTS = {
    "ops": {"role": "admin", "token": "token-of-ops", "password": "password of öps"},
    "eyes": {"role": "viewer", "token": "token-of-eyes"},
}


@pytest.fixture
def app(redis):
    """The application with an administrator, a viewer, two registries and up to two policies for a namespace."""
    registries = {
        "main": registry_table(namespaces=["library", "team"]),
        "other": registry_table("http://127.0.0.1:5001", kind="harbor"),
    }
    return create_app(settings(registries=registries, accounts=ACCOUNTS, policies_per_namespace=2), redis)


@pytest.fixture
def here(app):
    """The application's services."""
    services: Services = app.extensions["enforcer"]
    return services


@pytest.fixture
def client(app):
    """Calls without credentials."""
    return app.test_client()


@pytest.fixture
def call(client):
    """Calls of the administrator."""
    return NativeCaller(client, "token-of-ops")


@pytest.fixture
def viewer(client):
    """Calls of somebody who may only look."""
    return NativeCaller(client, "token-of-eyes")
