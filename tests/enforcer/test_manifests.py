from __future__ import annotations

import json
import tracemalloc
import zlib

import pytest

from enforcer.errors import RegistryRefused
from enforcer.manifests import (
    ACCEPT,
    CHILDREN_LIMIT,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    MANIFEST_LIMIT,
    MANIFEST_TYPES,
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    is_index,
    media_type_of,
)
from enforcer.names import Digest
from tests.fakes.images import image, index

A = Digest("sha256:" + "a" * 64)
B = Digest("sha256:" + "b" * 64)


def listing(*entries: object) -> bytes:
    return json.dumps({"manifests": list(entries)}).encode()


def manifest(content: bytes, media_type: str = OCI_INDEX) -> Manifest:
    return Manifest.checked(content, media_type, Digest.of(content))


def test_accept_names_all_four_types():
    """A manifest type that is left out would be converted, or not found."""
    assert ACCEPT.split(", ") == list(MANIFEST_TYPES)


def test_index_types():
    """An OCI index and a Docker manifest list are indexes, images are not."""
    assert [is_index(media_type) for media_type in MANIFEST_TYPES] == [False, True, False, True]


def test_checked_takes_what_has_the_digest():
    """Bytes of the expected digest become a manifest as they are."""
    content = image("a")

    taken = Manifest.checked(content, OCI_MANIFEST, Digest.of(content))

    assert (taken.digest, taken.media_type, taken.content) == (Digest.of(content), OCI_MANIFEST, content)


def test_checked_refuses_other_bytes():
    """Bytes of another digest are refused with both digests."""
    with pytest.raises(RegistryRefused) as caught:
        Manifest.checked(b"other", OCI_MANIFEST, A)

    assert str(A) in str(caught.value)
    assert str(Digest.of(b"other")) in str(caught.value)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST, ""])
def test_children_of_an_index(media_type):
    """The children are in the index's order, each once; an index without a type is known by its list."""
    content = listing({"digest": B}, {"digest": A}, {"digest": B})

    assert manifest(content, media_type).children == (B, A)


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_image_has_no_children(media_type):
    """What is typed as an image has none, whatever its JSON holds."""
    assert manifest(listing({"digest": A}), media_type).children == ()


def test_children_of_a_real_index():
    """An index as build tools write it lists its images."""
    first, second = image("one"), image("two")

    assert manifest(index(first, second)).children == (Digest.of(first), Digest.of(second))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[]",
        b"7",
        b'{"manifests": null}',
        b'{"manifests": {"digest": "x"}}',
        b"[" * 100_000,
        b'{"manifests": ' + b"9" * 5000 + b"}",
    ],
)
def test_junk_has_no_children(content):
    """What is no index is no error either."""
    assert manifest(content).children == ()


def test_junk_among_the_children_is_left_out():
    """Entries without a digest do not hide those that have one."""
    content = listing(None, 7, "x", {}, {"digest": 7}, {"digest": "sha256:short"}, {"digest": ["a"]}, {"digest": A})

    assert manifest(content).children == (A,)


def test_children_are_bounded():
    """An index cannot make us keep any number of manifests."""
    content = listing(*({"digest": f"sha256:{number:064x}"} for number in range(CHILDREN_LIMIT + 1)))

    assert len(manifest(content).children) == CHILDREN_LIMIT


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, ""])
def test_packed_and_unpacked(media_type):
    """What was kept comes back byte for byte, with its type."""
    kept = manifest(image("a") + b"\n\n \x00\xff", media_type)

    assert Manifest.unpacked(kept.digest, kept.packed()) == kept


def test_packed_is_smaller():
    """A manifest is kept compressed."""
    kept = manifest(image("a", layers=20))

    assert len(kept.packed()) < len(kept.content) / 2


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda data: b"", "is cut off"),
        (lambda data: data[:-10], "is cut off"),
        (lambda data: data.partition(b"\n")[0] + b"\n", "is cut off"),
        (lambda data: data.partition(b"\n")[2], "kept manifest"),
        (lambda data: b"type\n" + zlib.compress(b"something else"), "but sha256:"),
        (lambda data: b"type\n" + zlib.compress(b" " * (MANIFEST_LIMIT + 1)), "is longer than 4194304 bytes"),
        (lambda data: b"type\nnot compressed at all", "cannot be decompressed"),
        (lambda data: b"\xff\xfe\n" + data.partition(b"\n")[2], "codec"),
    ],
)
def test_spoilt_bytes_are_not_unpacked(spoil, problem):
    """What is not the manifest of the digest any more is an error, never another manifest."""
    kept = manifest(image("a"))

    with pytest.raises(ValueError, match=problem):
        Manifest.unpacked(kept.digest, spoil(kept.packed()))


def test_unpacking_is_bounded():
    """A few kept bytes cannot become any amount of memory."""
    bomb = b"type\n" + zlib.compress(bytes(10 * MANIFEST_LIMIT))

    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="is longer than"):
            Manifest.unpacked(A, bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 4 * MANIFEST_LIMIT


@pytest.mark.parametrize(
    ("header", "content", "expected"),
    [
        (OCI_MANIFEST, b"{}", OCI_MANIFEST),
        (f"{DOCKER_LIST}; charset=utf-8", b"{}", DOCKER_LIST),
        (OCI_MANIFEST, json.dumps({"mediaType": DOCKER_MANIFEST}).encode(), OCI_MANIFEST),
        ("application/json", json.dumps({"mediaType": DOCKER_MANIFEST}).encode(), DOCKER_MANIFEST),
        ("", json.dumps({"mediaType": OCI_INDEX}).encode(), OCI_INDEX),
        ("application/json", json.dumps({"mediaType": "two\nlines"}).encode(), "application/json"),
        ("application/json", json.dumps({"mediaType": 7}).encode(), "application/json"),
        ("", b"junk", ""),
    ],
)
def test_media_type(header, content, expected):
    """The header's type counts where it is one of the four, else what the manifest says of itself."""
    assert media_type_of(header, content) == expected
