from __future__ import annotations

import pytest

from enforcer.web.app import create_app
from enforcer.web.services import Services
from tests.fakes.harbor import ACCOUNTS, REGISTRIES, HarborCaller
from tests.fakes.settings import settings


@pytest.fixture
def app(redis):
    """The application with an administrator, a viewer, and up to 5 policies for a namespace."""
    return create_app(settings(registries=REGISTRIES, accounts=ACCOUNTS, policies_per_namespace=5), redis)


@pytest.fixture
def here(app):
    """The application's services."""
    services: Services = app.extensions["enforcer"]
    return services


@pytest.fixture
def harbor(app):
    """Calls of the administrator."""
    return HarborCaller(app.test_client())


@pytest.fixture
def viewer(app):
    """Calls of somebody who may only look."""
    return HarborCaller(app.test_client(), "eyes", "grüße")
