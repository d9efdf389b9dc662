"""Small manifests to push: equal arguments give equal bytes, so equal digests."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

from enforcer.manifests import OCI_INDEX, OCI_MANIFEST
from enforcer.names import Digest

SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"
"""Registries that have it at all serve it whatever a client accepts."""


def blob(seed: str, part: str) -> bytes:
    """A layer or configuration of the image of a seed; `part` is `config`, `layer-0`, `layer-1` and so on."""
    return json.dumps({"seed": seed, "part": part}).encode()


def blobs_of(seed: str, layers: int = 1) -> list[bytes]:
    """All blobs of an image, the configuration first."""
    return [blob(seed, "config"), *(blob(seed, f"layer-{number}") for number in range(layers))]


def image(seed: str, layers: int = 1, *, label: str = "") -> bytes:
    """An OCI image manifest; with a label it is another one of the same blobs."""
    config, *rest = blobs_of(seed, layers)
    fields: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor(config, "application/vnd.oci.image.config.v1+json"),
        "layers": [_descriptor(layer, "application/vnd.oci.image.layer.v1.tar") for layer in rest],
    }
    return _json(fields | ({"annotations": {"label": label}} if label else {}))


def index(*children: bytes) -> bytes:
    """An OCI index of manifests, which may be indexes themselves, one for each platform."""
    platforms = ["amd64", "arm64", "riscv64", "s390x"]
    listed = [
        {**_descriptor(child, json.loads(child)["mediaType"]), "platform": {"os": "linux", "architecture": platform}}
        for child, platform in zip(children, platforms, strict=False)
    ]
    return _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed})


def schema_1(name: str) -> tuple[bytes, bytes]:
    """A signed manifest of schema 1 as docker/libtrust writes it, and the payload whose hash is its digest."""
    fields = {"schemaVersion": 1, "name": name, "tag": "1.0", "architecture": "amd64", "fsLayers": [], "history": []}
    payload = json.dumps(fields, indent=3).encode()
    length = payload.rindex(b"}") - 1
    header = {"formatLength": length, "formatTail": _base64(payload[length:]), "time": "2014-09-02T18:00:00Z"}
    signature = {"header": {"alg": "ES256"}, "signature": "AAAA", "protected": _base64(json.dumps(header).encode())}
    signatures = json.dumps([signature], indent=3).encode()
    return payload[:length] + b',\n   "signatures": ' + signatures + payload[length:], payload


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _descriptor(content: bytes, media_type: str) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}


def _json(fields: object) -> bytes:
    return json.dumps(fields, indent=1).encode()
