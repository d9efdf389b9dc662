from __future__ import annotations

import json

import pytest

from enforcer.errors import UnverifiableManifest
from enforcer.manifests import Manifest, digest_of
from enforcer.names import Digest
from enforcer.schema_1 import signed_payload
from tests.fakes.images import SCHEMA_1, image, schema_1

CONTENT, PAYLOAD = schema_1("team/app")


def test_the_digest_is_that_of_the_payload():
    """The signatures, which anybody may add to, are no part of what the digest covers."""
    assert signed_payload(CONTENT) == PAYLOAD
    assert digest_of(CONTENT) == Digest.of(PAYLOAD) != Digest.of(CONTENT)


def test_kept_as_it_is():
    """The bytes that go back to the registry are those that it served, with the signatures."""
    manifest = Manifest.checked(CONTENT, SCHEMA_1, Digest.of(PAYLOAD))
    assert manifest.content == CONTENT
    assert Manifest.unpacked(manifest.digest, manifest.packed()) == manifest


@pytest.mark.parametrize(
    "signatures",
    [None, [], [{}], [7], [{"protected": "%"}], [{"protected": "e30"}], [{"protected": 7}], "text"],
)
def test_without_a_usable_signature_it_cannot_be_verified(signatures):
    """It is said that schema 1 is the reason, not that somebody's storage is broken."""
    content = json.dumps(json.loads(CONTENT) | {"signatures": signatures}).encode()
    with pytest.raises(UnverifiableManifest, match="schema 1: cannot be restored"):
        Manifest.checked(content, SCHEMA_1, Digest.of(PAYLOAD))


def test_a_changed_payload_is_not_taken():
    """What a signature covers cannot be changed under the same digest."""
    with pytest.raises(UnverifiableManifest):
        Manifest.checked(CONTENT.replace(b"amd64", b"arm64"), SCHEMA_1, Digest.of(PAYLOAD))


def test_signatures_in_other_manifests_count_for_nothing():
    """A manifest of today has the digest of its bytes, whatever a pusher writes into it."""
    fields = json.loads(image("a")) | {"signatures": json.loads(CONTENT)["signatures"]}
    content = json.dumps(fields).encode()
    assert signed_payload(content) is None
    assert digest_of(content) == Digest.of(content)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"[" * 100_000])
def test_no_manifest_at_all(content):
    """Bytes that are no JSON object have no payload."""
    assert signed_payload(content) is None
