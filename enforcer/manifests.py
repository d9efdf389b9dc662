"""Manifests: the bytes that a tag stands for, checked against their digest."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import Any, Self

from enforcer.errors import InvalidName, RegistryRefused, UnverifiableManifest
from enforcer.names import Digest
from enforcer.schema_1 import is_schema_1, signed_payload

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"

MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
ACCEPT = ", ".join(MANIFEST_TYPES)
"""Always sent whole: a registry may convert a manifest whose type is missing here, and then its digest is another."""

MANIFEST_LIMIT = 4 * 1024 * 1024
"""Bytes; what registries accept at most."""

CHILDREN_LIMIT = 1000
"""So many children of an index are kept and watched; build tools make a dozen."""

_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")


def is_index(media_type: str) -> bool:
    """True if manifests of this type list other manifests instead of layers."""
    return media_type in (OCI_INDEX, DOCKER_LIST)


def digest_or_none(value: object) -> Digest | None:
    """The digest that a stranger's JSON or header holds, if it is one."""
    try:
        return Digest(value) if isinstance(value, str) else None
    except InvalidName:
        return None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as the registry served it, byte for byte."""

    digest: Digest
    media_type: str
    content: bytes

    @classmethod
    def checked(cls, content: bytes, media_type: str, digest: Digest) -> Self:
        """Take it only if the content has the digest. Raises `RegistryRefused`."""
        if not _has_digest(content, digest):
            if is_schema_1(content):
                raise UnverifiableManifest(
                    f"schema 1: cannot be restored, as no signature of it tells the bytes of {digest}; "
                    "build the image anew with a tool of this decade"
                )
            raise RegistryRefused(
                f"the registry served bytes of {Digest.of(content)} as {digest}: "
                "its storage, or something between it and us, is broken"
            )
        return cls(digest, media_type, content)

    @property
    def children(self) -> tuple[Digest, ...]:
        """The manifests that an index lists, each once, in its order; none for an image and for what is no JSON."""
        digests = (digest_or_none(entry.get("digest")) for entry in self._listed[:CHILDREN_LIMIT])
        return tuple(dict.fromkeys(digest for digest in digests if digest is not None))

    @property
    def inner_indexes(self) -> tuple[Digest, ...]:
        """The children of an index that it says are indexes themselves."""
        listed = {digest_or_none(entry.get("digest")) for entry in self._listed if is_index(entry.get("mediaType", ""))}
        return tuple(child for child in self.children if child in listed)

    @property
    def has_platform_twice(self) -> bool:
        """True for an index that leaves it to the client which of two manifests it takes.

        `unknown/unknown` is no platform: build tools list attestations so, one for each image.
        """
        platforms = [_platform(entry) for entry in self._listed]
        named = [platform for platform in platforms if platform[:2] != ("unknown", "unknown")]
        return len(set(named)) < len(named)

    @property
    def _listed(self) -> list[dict[str, Any]]:
        if self.media_type and not is_index(self.media_type):
            return []
        listed = _fields(self.content).get("manifests")
        return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []

    def packed(self) -> bytes:
        """Small, for keeping: the media type as one line, then the content compressed."""
        return self.media_type.encode() + b"\n" + zlib.compress(self.content)

    @classmethod
    def unpacked(cls, digest: Digest, data: bytes) -> Self:
        """Read what `packed` wrote. Raises `ValueError` where that is not the manifest of this digest any more."""
        media_type, _, compressed = data.partition(b"\n")
        content = _inflated(compressed)
        if not _has_digest(content, digest):
            raise ValueError(f"the kept manifest is not {digest} but {Digest.of(content)}")
        return cls(digest, media_type.decode(), content)


def digest_of(content: bytes) -> Digest:
    """The digest that a registry gives a manifest with this content."""
    return Digest.of(signed_payload(content) or content)


def _has_digest(content: bytes, digest: Digest) -> bool:
    if digest.matches(content):
        return True
    payload = signed_payload(content)
    return payload is not None and digest.matches(payload)


def media_type_of(header: str, content: bytes) -> str:
    """The type to put the content back with: a registry refuses one that is not the manifest's own.

    The content's word counts where `Content-Type` names none of the four types, as behind a proxy that rewrites it.
    """
    served = header.partition(";")[0].strip()
    if served in MANIFEST_TYPES:
        return served
    declared = _fields(content).get("mediaType")
    return declared if isinstance(declared, str) and _MEDIA_TYPE.fullmatch(declared) else served


def _platform(entry: dict[str, Any]) -> tuple[str, ...]:
    platform = entry.get("platform")
    fields = platform if isinstance(platform, dict) else {}
    return tuple(str(fields.get(name, "")) for name in ("os", "architecture", "variant", "os.version"))


def _fields(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def _inflated(compressed: bytes) -> bytes:
    # Bounded while it inflates, not afterwards: a few kept kilobytes could become gigabytes.
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(compressed, MANIFEST_LIMIT + 1)
    except zlib.error as error:
        raise ValueError(f"the kept manifest cannot be decompressed: {error}") from error
    if len(content) > MANIFEST_LIMIT:
        raise ValueError(f"the kept manifest is longer than {MANIFEST_LIMIT} bytes")
    if not inflater.eof:
        raise ValueError("the kept manifest is cut off")
    return content
