from __future__ import annotations

import pytest

from enforcer.web.app import create_app
from enforcer.web.services import Services
from tests.fakes.settings import registry_table, settings
from tests.fakes.tc3 import KEY, SECRET
from tests.fakes.tcr import TcrCaller

ACCOUNTS = {
    "ops": {"role": "admin", "access_key": KEY, "secret_key": SECRET},
    "eyes": {"role": "viewer", "access_key": "AKIDVIEWER", "secret_key": "another-secret-key"},
}


@pytest.fixture
def app(redis):
    """The application with an administrator, a viewer, and two registries."""
    registries = {
        "main": registry_table(namespaces=["team", "library"]),
        "other": registry_table("http://127.0.0.1:5001", namespaces=["team"]),
    }
    return create_app(settings(registries=registries, accounts=ACCOUNTS), redis)


@pytest.fixture
def here(app):
    """The application's services."""
    services: Services = app.extensions["enforcer"]
    return services


@pytest.fixture
def tcr(app):
    """Calls of the administrator."""
    return TcrCaller(app.test_client())


@pytest.fixture
def viewer(app):
    """Calls of somebody who may only look."""
    return TcrCaller(app.test_client(), "AKIDVIEWER", "another-secret-key")
