from __future__ import annotations

from enforcer.names import RegistryName
from enforcer.registries.endpoint import RegistryEndpoint


def test_password_is_not_shown():
    """The password is in no text that a log or a traceback would show."""
    access = RegistryEndpoint(name=RegistryName("main"), url="http://127.0.0.1", username="ops", password="swordfish")

    assert "swordfish" not in repr(access)
    assert "swordfish" not in str(access)
