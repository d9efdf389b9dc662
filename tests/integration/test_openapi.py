"""The native API does what its OpenAPI document says, and nothing else: schemathesis looks for where it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests
from redis import Redis

from enforcer.judgement.record import Decision, Entry, Record, TagState
from enforcer.policies.unlock import Unlock
from enforcer.store.ledger import Change, Ledger
from enforcer.store.violations import Violations
from enforcer.times import Time
from tests.fakes.events import MAIN, NAME, digest, push
from tests.fakes.stores import stores
from tests.fakes.violations import violation
from tests.integration.serving import start_receiver

pytestmark = pytest.mark.integration

ACCOUNTS = """
[accounts.ops]
role = "admin"
token = "token-of-ops"
"""

UNLOCK = 1

CONFIG = """\
hooks = "{hooks}"

[checks.positive_data_acceptance]
# 412 too: whether a revision is stale is not told by its form.
expected-statuses = ["2xx", "401", "403", "404", "409", "412"]
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx"]

[parameters]
"path.registry" = "main"
"path.repository" = "{name.repository}"
"path.tag" = "{name.tag}"
"path.violation_id" = "{violation}"
"path.unlock_id" = {unlock}
"""


@pytest.fixture
def receiver(tmp_path, redis_server):
    """The served application, which has heard of one tag, one violation and one unlock."""
    with Redis.from_url(redis_server.url) as redis:
        event = push("event-1", digest(1))
        record = Record(digest=digest(1), time=event.time)
        entry = Entry(event, Decision.MOVED, None, record)
        Ledger(redis).write([Change(NAME, 0, TagState(record, event.order, 1), (entry,))])
        Violations(redis).open([violation()])
        unlock = stores(redis).unlocks.unlock(
            Unlock.parse(MAIN, NAME.reference, seconds=3600, now=Time.now(), by="ops", reason="why")
        )
        assert unlock.id == UNLOCK
    receiver = start_receiver(tmp_path, redis_server.url, ACCOUNTS, top="policies_per_namespace = 1000")
    yield receiver
    receiver.stop()


def test_schemathesis_finds_nothing(tmp_path, receiver):
    """Whatever fits the document is accepted, whatever does not is refused, and every answer is as documented."""
    config = tmp_path / "schemathesis.toml"
    hooks = Path(__file__).with_name("schemathesis_hooks.py")
    config.write_text(CONFIG.format(hooks=hooks, name=NAME, violation=violation().id, unlock=UNLOCK))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", "--no-color"]
    options = ["--max-examples", "20", "--seed", "1", "--header", "Authorization: Bearer token-of-ops"]
    target = f"{receiver.url}/api/v1/openapi.json"
    found = subprocess.run(
        [*command, *options, target], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert found.returncode == 0, found.stdout
    assert "Traceback" not in (receiver.directory / "receiver.log").read_text()


def test_the_document_needs_no_login(receiver):
    """A client generator gets the document with nothing but its address; everything else needs an account."""
    document = requests.get(f"{receiver.url}/api/v1/openapi.json", timeout=5)
    assert document.json()["openapi"] == "3.1.0"
    for path, operations in document.json()["paths"].items():
        for method in operations:
            address = f"{receiver.url}/api/v1{path}".replace("{policy_id}", "1").replace("{unlock_id}", str(UNLOCK))
            assert requests.request(method, address, timeout=5).status_code == 401, (method, path)
