"""The meaning of a registry's error answers.

| the registry says | error |
|---|---|
| 405, 408, 429, 5xx; 403 with a message that says read-only | `RegistryUnavailable` |
| 401, 403 | `RegistryDenied` |
| 404 with the registry's own error body | `ManifestMissing` |
| 404 of something else: a web server, or a name that no registry knows | `RegistryRefused` |
| 400 or 404 with the code `MANIFEST_BLOB_UNKNOWN` | `BlobsMissing` |
| 412, unless a policy about reading or deleting says it | `TagLocked` |
| anything else, redirects too | `RegistryRefused` |
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from enforcer.errors import (
    BlobsMissing,
    ManifestMissing,
    RegistryDenied,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    TagLocked,
)
from enforcer.manifests import digest_or_none
from enforcer.names import Digest

ERROR_LIMIT = 64 * 1024
"""Bytes of an error's body that are read."""

LONGEST_WAIT = 300.0
"""Seconds; a registry that asks for more is asked again after this."""

_ENTRIES = 100
_MESSAGE = 200
_READ_ONLY = re.compile(r"read[\s_-]?only", re.IGNORECASE)
_NOT_ABOUT_PUSHING = frozenset({"PROJECTPOLICYVIOLATION", "VIOLATE_FOREIGN_KEY_CONSTRAINT"})
"""Harbor's other uses of 412."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One of the `errors` of an answer."""

    code: str
    message: str
    detail: object


def error_of(status: int, headers: Mapping[str, str], body: bytes, what: str) -> RegistryError:
    """The error that an answer which is no success means; its text begins with `what`: `putting team/app:1.0 in main`.

    `headers` must find names in any case. Of `body`, `ERROR_LIMIT` bytes are enough.
    """
    entries = _entries(body)
    text = _text(what, status, entries)
    # 405: Distribution says so to every write while it is read-only, which its garbage collection asks for.
    if status in (405, 408, 429) or status >= 500:
        return RegistryUnavailable(text, status=status, retry_after=_retry_after(headers))
    if status == 403 and any(_READ_ONLY.search(entry.message) for entry in entries):
        return RegistryUnavailable(text, status=status, retry_after=_retry_after(headers))
    if status in (401, 403):
        return RegistryDenied(f"{text}: check username, password and rights of this account", status=status)
    # Registries differ about the status of this code: only the code itself counts.
    if status in (400, 404) and any(entry.code == "MANIFEST_BLOB_UNKNOWN" for entry in entries):
        return BlobsMissing(text, _digests(entries), status=status)
    if status == 404:
        return _missing(text, headers, body, entries)
    if status == 412 and not any(entry.code in _NOT_ABOUT_PUSHING for entry in entries):
        advice = "the registry's own immutability rule forbids it to all: remove that rule, or leave the tag out of it"
        return TagLocked(f"{text}: {advice}", status=status)
    if 300 <= status < 400:
        return RegistryRefused(f"{text}{_elsewhere(headers)}", status=status)
    return RegistryRefused(text, status=status)


def _missing(text: str, headers: Mapping[str, str], body: bytes, entries: Sequence[_Entry]) -> RegistryError:
    """Tell a registry that knows no such thing from a web server that knows no such page; a HEAD has only its type."""
    is_page = headers.get("Content-Type", "").startswith("text/")
    if entries or (not body and not is_page):
        return ManifestMissing(text, status=404)
    return RegistryRefused(f"{text}, and not from a registry: check the registry's url", status=404)


def _elsewhere(headers: Mapping[str, str]) -> str:
    try:
        target = urlsplit(headers.get("Location", ""))
        host = f" to {target.scheme}://{target.hostname}" if target.hostname else ""
    except ValueError:
        host = ""
    return f"{_plain(host)}, and redirects are not followed: set the registry's url to the address that answers itself"


def _text(what: str, status: int, entries: Sequence[_Entry]) -> str:
    try:
        phrase = f" {HTTPStatus(status).phrase}"
    except ValueError:
        phrase = ""
    first = f" ({_plain(entries[0].code)}: {_plain(entries[0].message)})" if entries else ""
    hint = ": the registry may be read-only, as during a garbage collection" if status == 405 else ""
    return f"{what}: {status}{phrase}{first}{hint}"


def _plain(text: str) -> str:
    """One line of bounded length, whatever a registry sent."""
    shown = "".join(character if character.isprintable() else " " for character in text[: _MESSAGE + 1])
    return shown if len(shown) <= _MESSAGE else shown[: _MESSAGE - 3] + "..."


def _entries(body: bytes) -> list[_Entry]:
    try:
        answer = json.loads(body[:ERROR_LIMIT])
    except (ValueError, RecursionError):
        return []
    listed = answer.get("errors") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return []
    return [
        _Entry(str(entry.get("code", "")), str(entry.get("message", "")), entry.get("detail"))
        for entry in listed[:_ENTRIES]
        if isinstance(entry, dict)
    ]


def _digests(entries: Sequence[_Entry]) -> tuple[Digest, ...]:
    details = (entry.detail for entry in entries if entry.code == "MANIFEST_BLOB_UNKNOWN")
    found = (digest_or_none(detail.get("digest") if isinstance(detail, dict) else detail) for detail in details)
    return tuple(dict.fromkeys(digest for digest in found if digest is not None))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, which the header gives as such or as a date."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # "-0000", or no zone at all
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_WAIT)
