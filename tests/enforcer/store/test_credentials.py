from __future__ import annotations

from enforcer.store.credentials import Credentials
from enforcer.store.policies import PolicyStore
from tests.fakes.events import MAIN


def test_registries_that_ask_for_credentials(redis):
    """What is learnt of a registry is read with the policies; what was known already makes no new version."""
    credentials, policies = Credentials(redis), PolicyStore(redis)
    assert (policies.current().asking, credentials.knows(MAIN)) == (frozenset(), False)

    credentials.note(MAIN, asks=True)
    assert (policies.current().asking, credentials.knows(MAIN)) == ({MAIN}, True)
    version = policies.current().version
    credentials.note(MAIN, asks=True)
    assert policies.current().version == version

    credentials.note(MAIN, asks=False)
    assert (policies.current().asking, credentials.knows(MAIN)) == (frozenset(), True)
