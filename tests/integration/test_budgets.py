"""What is bounded in bytes, on a real server: the double of Redis measures nothing and is never full."""

from __future__ import annotations

import random

import pytest
import redis

from enforcer.manifests import OCI_MANIFEST, Manifest
from enforcer.names import Digest
from enforcer.store.connection import EMBEDDED, running_database
from enforcer.store.ledger import Ledger
from enforcer.store.log import Log
from tests.fakes.events import APP, MAIN, digest, push
from tests.fakes.settings import settings
from worker.commands.timer import Timer

pytestmark = pytest.mark.integration

MIB = 1 << 20


@pytest.fixture
def database(tmp_path):
    with running_database(EMBEDDED, tmp_path / "data", 16 * MIB) as client:
        yield client


def manifest(number: int) -> Manifest:
    """A manifest of 200 kB that no compression makes small."""
    content = random.Random(number).randbytes(200_000)
    return Manifest.checked(content, OCI_MANIFEST, Digest.of(content))


def push_indexes(log: Log, count: int) -> None:
    """Announce so many pushes of an index of 1,000 children, and judge them."""
    children = tuple(map(digest, range(1000)))
    for number in range(count):
        log.append([push(f"event-{number}", digest(number), children=children)])
    for batch in log.batches("test"):
        log.acknowledge(batch)


def used(client: redis.Redis) -> int:
    return int(client.info("memory")["used_memory"])


def test_kept_manifests_take_what_is_counted(database):
    """A flood of large manifests grows the server by its budget, and by what was counted."""
    ledger, before = Ledger(database, kept_bytes=4 * MIB), used(database)
    kept = [ledger.keep(MAIN, APP, manifest(number)).is_kept for number in range(40)]
    assert 15 < sum(kept) < 25
    assert used(database) - before < 1.3 * ledger.used(MAIN) < 1.3 * 4 * MIB
    for _ in range(2):
        ledger.release_unneeded(MAIN, APP)
    assert ledger.used(MAIN) == 0
    assert used(database) - before < MIB


def test_the_archive_of_large_events_is_trimmed_by_bytes(database):
    """100 pushes of an index of 1,000 children take no more than the archive may."""
    log = Log(database)
    push_indexes(log, 100)
    assert log.used() > 6 * MIB
    log.trim(days=30, events=1_000_000, size=2 * MIB)
    assert MIB < log.used() <= 2.1 * MIB


def test_a_full_server_makes_room(database):
    """Where nothing can be written any more, the archive is shortened all the same."""
    log = Log(database)
    push_indexes(log, 100)
    database.config_set("maxmemory", used(database) // 2)
    with pytest.raises(redis.OutOfMemoryError):
        log.append([push("new", digest(1))])
    Timer(settings(archive_bytes=MIB), database).tick()
    log.append([push("new", digest(1))])
    assert log.waiting() == 1
