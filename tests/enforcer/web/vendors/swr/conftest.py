from __future__ import annotations

import pytest

from enforcer.web.app import create_app
from enforcer.web.services import Services
from tests.fakes.sdk_hmac import KEY, SECRET
from tests.fakes.settings import registry_table, settings
from tests.fakes.swr import SwrCaller

ACCOUNTS = {
    "ops": {"role": "admin", "token": "token-of-ops", "access_key": KEY, "secret_key": SECRET, "projects": ["p1"]},
    "eyes": {"role": "viewer", "token": "token-of-eyes"},
}


@pytest.fixture
def app(redis):
    """The application with an administrator of project p1, a viewer of all, and two registries."""
    registries = {
        "main": registry_table(namespaces=["library", "team"]),
        "other": registry_table("http://127.0.0.1:5001", namespaces=["team"]),
    }
    return create_app(settings(registries=registries, accounts=ACCOUNTS), redis)


@pytest.fixture
def roomy(redis):
    """Calls of the administrator of an installation with up to 5 policies for a namespace."""
    registries = {"main": registry_table(namespaces=["library", "team"])}
    app = create_app(settings(registries=registries, accounts=ACCOUNTS, policies_per_namespace=5), redis)
    return SwrCaller(app.test_client(), "token-of-ops")


@pytest.fixture
def here(app):
    """The application's services."""
    services: Services = app.extensions["enforcer"]
    return services


@pytest.fixture
def swr(app):
    """Calls of the administrator."""
    return SwrCaller(app.test_client(), "token-of-ops")


@pytest.fixture
def viewer(app):
    """Calls of somebody who may only look."""
    return SwrCaller(app.test_client(), "token-of-eyes")
