from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from requests.structures import CaseInsensitiveDict

from enforcer.errors import (
    BlobsMissing,
    ManifestMissing,
    RegistryDenied,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    TagLocked,
)
from enforcer.registries.errors import error_of

WHAT = "putting team/app:1.0 in main"
A = "sha256:" + "a" * 64
B = "sha256:" + "b" * 64


def coded(code: str, message: str = "", *details: object) -> bytes:
    entries = [{"code": code, "message": message, "detail": detail} for detail in details or (None,)]
    return json.dumps({"errors": entries}).encode()


def error(status: int, body: bytes = b"", **headers: str) -> RegistryError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(status, CaseInsensitiveDict(named), body, WHAT)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (301, b"", RegistryRefused),
        (400, b"", RegistryRefused),
        (400, coded("MANIFEST_INVALID"), RegistryRefused),
        (400, coded("MANIFEST_BLOB_UNKNOWN"), BlobsMissing),
        (401, coded("UNAUTHORIZED"), RegistryDenied),
        (403, coded("DENIED", "requested access to the resource is denied"), RegistryDenied),
        (403, coded("DENIED", "the system is in read only mode, any modification is prohibited"), RegistryUnavailable),
        (403, coded("DENIED", "Read-Only"), RegistryUnavailable),
        (404, coded("MANIFEST_UNKNOWN"), ManifestMissing),
        (404, coded("NAME_UNKNOWN"), ManifestMissing),
        (404, coded("NOT_FOUND"), ManifestMissing),
        (404, coded("MANIFEST_BLOB_UNKNOWN"), BlobsMissing),
        (404, b"404 page not found\n", RegistryRefused),
        (404, b'{"message": "no route"}', RegistryRefused),
        (404, b"", ManifestMissing),
        (405, b"Method not allowed\n", RegistryUnavailable),
        (408, b"", RegistryUnavailable),
        (409, coded("CONFLICT"), RegistryRefused),
        (412, coded("PRECONDITION"), TagLocked),
        (412, b"", TagLocked),
        (412, coded("PROJECTPOLICYVIOLATION"), RegistryRefused),
        (413, b"", RegistryRefused),
        (429, coded("TOOMANYREQUESTS"), RegistryUnavailable),
        (500, b"", RegistryUnavailable),
        (503, b"<html>", RegistryUnavailable),
        (599, b"", RegistryUnavailable),
        (204, b"", RegistryRefused),
    ],
)
def test_kind_of_an_answer(status, body, kind):
    """Status and code decide the kind of the error, which keeps the status."""
    found = error(status, body)

    assert type(found) is kind
    assert found.status == status
    assert found.temporary is (kind is RegistryUnavailable)


def test_head_of_a_page_is_no_answer_of_a_registry():
    """A 404 to a HEAD has no body: its type tells a registry from a web server."""
    assert type(error(404, Content_Type="text/plain; charset=utf-8")) is RegistryRefused
    assert type(error(404, Content_Type="application/json")) is ManifestMissing


def test_text_says_what_was_tried_and_the_answer():
    """The text begins with what was tried, then the status."""
    assert str(error(503)) == "putting team/app:1.0 in main: 503 Service Unavailable"
    assert str(error(400, coded("MANIFEST_INVALID", "manifest invalid"))) == (
        "putting team/app:1.0 in main: 400 Bad Request (MANIFEST_INVALID: manifest invalid)"
    )
    assert str(error(599)) == "putting team/app:1.0 in main: 599"


def test_text_is_one_short_line_whatever_the_registry_sends():
    """A registry can neither fill our log nor write lines into it."""
    found = str(error(400, coded("X" * 5000, "line\nline\x1b[31m" + "y" * 5000)))

    assert found.isprintable()
    assert len(found) < 500


@pytest.mark.parametrize("details", [(A, B, A), ({"digest": A}, {"digest": B})])
def test_missing_blobs_are_named(details):
    """Each missing digest is named once, whether the registry gives it bare or in an object."""
    found = error(400, coded("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", *details))

    assert isinstance(found, BlobsMissing)
    assert found.digests == (A, B)


@pytest.mark.parametrize("detail", [None, 7, "no digest", {}, {"digest": 7}, [A]])
def test_missing_blobs_without_names(detail):
    """That blobs are missing is known even where the registry does not say which."""
    found = error(400, coded("MANIFEST_BLOB_UNKNOWN", "", detail))

    assert isinstance(found, BlobsMissing)
    assert found.digests == ()


@pytest.mark.parametrize(
    "body", [b"\xff", b"[]", b"7", b'{"errors": {}}', b'{"errors": [7, null]}', b"[" * 60_000, b'{"errors": [{}]}']
)
def test_junk_in_the_body(body):
    """A body that is not as it should be is as good as none."""
    assert type(error(400, body)) is RegistryRefused


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), (" 7 ", 7.0), ("0", 0.0), ("86400", 300.0), ("9" * 4000, 300.0)],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(status, text, seconds):
    """The registry's own wish is kept, but for five minutes at most."""
    assert error(status, retry_after=text).retry_after == seconds


@pytest.mark.parametrize(("ahead", "least", "most"), [(60, 50, 60), (-60, 0, 0), (86400, 300, 300)])
def test_retry_after_as_a_date(ahead, least, most):
    """A date counts from now."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)

    assert least <= error(503, Retry_After=date).retry_after <= most


def test_retry_after_as_a_date_without_a_zone():
    """A date without a zone is UTC."""
    date = format_datetime((datetime.now(UTC) + timedelta(seconds=60)).replace(tzinfo=None))

    assert 50 <= error(503, Retry_After=date).retry_after <= 60


@pytest.mark.parametrize("text", ["", "soon", "-7", "1.5", "²", "Fri, 99 Foo 2026 99:99:99 GMT"])
def test_retry_after_that_is_none(text):
    """What is neither seconds nor a date is no wish."""
    assert error(503, Retry_After=text).retry_after is None


def test_redirect_names_the_host_only():
    """A redirect's target is named without its path and query, which may hold a signature."""
    found = str(error(307, Location="https://store.example.com/x?X-Signature=secret"))

    assert "to https://store.example.com," in found
    assert "secret" not in found
    assert "redirects are not followed" in found


@pytest.mark.parametrize("location", ["", "/v2/", "http://[", "http://user:secret@host/"])
def test_redirect_to_anywhere(location):
    """No target makes the error another, or shows credentials."""
    found = error(302, Location=location)

    assert type(found) is RegistryRefused
    assert "secret" not in str(found)
