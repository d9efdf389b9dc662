"""Schema 1: the oldest manifests, whose digest is not that of their bytes but of what their signatures sign.

Form: JSON Web Signature as docker/libtrust writes it ("pretty JWS"). The signed payload is the manifest without its
`signatures`: each says in its protected header how much of the bytes comes first, and what follows it.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode
from typing import Any


def is_schema_1(content: bytes) -> bool:
    """True if the content says that it is a manifest of schema 1."""
    return _fields(content).get("schemaVersion") == 1


def signed_payload(content: bytes) -> bytes | None:
    """The bytes that the first signature of a manifest of schema 1 signs; None for anything else.

    Whether the signature is valid is not asked: anybody can sign.
    """
    fields = _fields(content)
    signatures = fields.get("signatures")
    if fields.get("schemaVersion") != 1 or not isinstance(signatures, list) or not signatures:
        return None
    try:
        header = json.loads(_decoded(signatures[0]["protected"]))
        length, tail = header["formatLength"], _decoded(header["formatTail"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(length, int) or not 0 < length <= len(content):
        return None
    return content[:length] + tail


def _decoded(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("no text")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _fields(content: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
