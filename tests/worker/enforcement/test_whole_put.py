from __future__ import annotations

import json
import threading
import time

import pytest

from enforcer.errors import BlobsMissing, RegistryUnavailable
from enforcer.manifests import OCI_INDEX, OCI_MANIFEST, Manifest
from enforcer.names import Digest
from tests.fakes.events import APP, MAIN, NAME
from tests.fakes.images import image
from worker.enforcement.whole_put import put_whole
from worker.pool import THREADS, Precedence, RegistryPools

CHILDREN = [image(f"child-{number}") for number in range(40)]
LISTED = [{"mediaType": OCI_MANIFEST, "digest": Digest.of(child), "size": len(child)} for child in CHILDREN]
INDEX = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": LISTED}).encode()


class Slow:
    """A registry without the children of an index, which takes its time for each PUT."""

    def __init__(self, *, refuses: Digest | None = None) -> None:
        self.refuses = refuses
        self.puts: list[str] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()

    def put(self, repository, reference, manifest):
        with self._lock:
            self.puts.append(str(reference))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            missing = [child for child in manifest.children if child not in self.puts]
        time.sleep(0.01)
        with self._lock:
            self._at_once -= 1
        if reference == self.refuses:
            raise RegistryUnavailable("busy", status=500)
        if missing:
            raise BlobsMissing("children are missing", missing)


@pytest.fixture
def slow(context):
    context.registries[MAIN] = slow = Slow()
    for child in CHILDREN:
        context.ledger.keep(MAIN, APP, Manifest.checked(child, OCI_MANIFEST, Digest.of(child)))
    return slow


@pytest.fixture
def pools(context):
    context.pools = pools = RegistryPools()
    yield pools
    pools.close()


WHOLE = Manifest.checked(INDEX, OCI_INDEX, Digest.of(INDEX))


def test_side_by_side(context, slow, pools):
    """Each child is put once, several at a time, and then the index."""
    put_whole(context, NAME, WHOLE)
    assert sorted(slow.puts[1:-1]) == sorted(Digest.of(child) for child in CHILDREN)
    assert [slow.puts[0], slow.puts[-1]] == [NAME.tag, NAME.tag]
    assert 2 < slow.most_at_once <= THREADS + 1


def test_a_pool_that_is_busy(context, slow, pools):
    """With no thread of the pool free the restore does all by itself, and waits for nobody."""
    free = threading.Event()
    for _ in range(THREADS):
        pools.submit(MAIN, Precedence.FIRST_ANSWER, APP, lambda: free.wait(30))
    put_whole(context, NAME, WHOLE)
    free.set()
    assert (len(slow.puts), slow.most_at_once) == (len(CHILDREN) + 2, 1)


def test_a_child_that_is_not_taken(context, slow, pools):
    """Its error ends the restore, which is tried again."""
    slow.refuses = Digest.of(CHILDREN[0])
    with pytest.raises(RegistryUnavailable):
        put_whole(context, NAME, WHOLE)
    assert slow.puts.count(NAME.tag) == 1
