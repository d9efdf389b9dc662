"""An image that says one word, and a client that pushes and pulls it."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests

from enforcer.manifests import OCI_MANIFEST
from enforcer.names import Digest, Repository, Tag

_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_FILE = "message"
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Image:
    """An OCI image: one layer, in which the file `message` holds a word."""

    manifest: bytes
    config: bytes
    layer: bytes

    @classmethod
    def saying(cls, word: str) -> Image:
        """The image that says this; the same word gives the same bytes."""
        layer = _archive(word)
        config = _json(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"message": word}},
                "rootfs": {"type": "layers", "diff_ids": [Digest.of(layer)]},
            }
        )
        manifest = _json(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": _descriptor(_CONFIG, config),
                "layers": [_descriptor(_LAYER, layer)],
            }
        )
        return cls(manifest, config, layer)

    @property
    def digest(self) -> Digest:
        """The manifest's."""
        return Digest.of(self.manifest)


class Client:
    """Somebody who pushes and pulls, known to the registry by name and user agent."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc: everything stays on this machine
        self._session.auth = (name, "")
        self._session.headers["User-Agent"] = name

    def answers(self) -> bool:
        """True if the registry is there."""
        return self._session.get(f"{self._url}/v2/", timeout=_TIMEOUT_SECONDS).ok

    def push(self, repository: Repository, tag: Tag, image: Image) -> int:
        """Push blobs and then the manifest, as any client does; returns the status of the last answer."""
        for blob in (image.config, image.layer):
            self._push_blob(repository, blob)
        answer = self._session.put(
            self._manifest_url(repository, tag),
            data=image.manifest,
            headers={"Content-Type": OCI_MANIFEST},
            timeout=_TIMEOUT_SECONDS,
        )
        answer.raise_for_status()
        return answer.status_code

    def manifest(self, repository: Repository, tag: Tag) -> bytes:
        """The manifest's bytes that the tag leads to now."""
        answer = self._session.get(
            self._manifest_url(repository, tag), headers={"Accept": OCI_MANIFEST}, timeout=_TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        return answer.content

    def message(self, repository: Repository, tag: Tag) -> str:
        """The word that the image of the tag says, read from its layer."""
        digest = json.loads(self.manifest(repository, tag))["layers"][0]["digest"]
        answer = self._session.get(f"{self._url}/v2/{repository}/blobs/{digest}", timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
            file = archive.extractfile(_FILE)
            return file.read().decode().strip() if file else ""

    def _push_blob(self, repository: Repository, content: bytes) -> None:
        begun = self._session.post(f"{self._url}/v2/{repository}/blobs/uploads/", timeout=_TIMEOUT_SECONDS)
        begun.raise_for_status()
        target = urljoin(f"{self._url}/", begun.headers["Location"])
        done = self._session.put(target, params={"digest": Digest.of(content)}, data=content, timeout=_TIMEOUT_SECONDS)
        done.raise_for_status()

    def _manifest_url(self, repository: Repository, tag: Tag) -> str:
        return f"{self._url}/v2/{repository}/manifests/{tag}"


def _archive(word: str) -> bytes:
    buffer = io.BytesIO()
    content = f"{word}\n".encode()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(_FILE)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": Digest.of(content), "size": len(content)}


def _json(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()
