"""TC3-HMAC-SHA256: the vendor's own signature is believed, and nothing else that looks like one."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.web.vendors.signing.tc3 import Fault, SignatureRefused, SignedRequest, canonical_requests, verify
from tests.fakes.tc3 import KEY, SECRET, sign

DATA = Path(__file__).parents[4] / "data" / "signatures.json"
KNOWN = next(one for one in json.loads(DATA.read_text()) if one["name"] == "tc3-post")
MADE = int(KNOWN["headers"]["X-TC-Timestamp"])
CANONICAL_SHA256 = "0609ea7ea155a05019d0199dd212c41eebe696eb84e4bd664cde34205d69e511"
NOW = 1_800_000_000.0


def known(**headers):
    """The request that the vendor's SDK signed, with some headers changed; None removes one."""
    sent = {name.lower(): value for name, value in KNOWN["headers"].items()}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    present = {name: value for name, value in sent.items() if value is not None}
    return SignedRequest(KNOWN["method"], KNOWN["query"], present, KNOWN["body"].encode())


def secret_of(key):
    return {KNOWN["secret_id"]: KNOWN["secret_key"], KEY: SECRET}.get(key)


def signed(method="POST", *, body=b"{}", query="", sent=None, **options):
    """A request signed just now; `sent` are headers that differ from what was signed."""
    headers = sign(method, body=body, query=query, at=options.pop("at", NOW), **options) | (sent or {})
    return SignedRequest(method, query, {name.lower(): value for name, value in headers.items()}, body)


def fault_of(request, now=NOW):
    with pytest.raises(SignatureRefused) as refused:
        verify(request, secret_of, now)
    assert SECRET not in str(refused.value)
    return refused.value.fault


def test_known_answer():
    """A request that the vendor's SDK signed passes at the time when it was made."""
    (canonical, *_) = canonical_requests(known(), ("content-type", "host"))
    assert hashlib.sha256(canonical).hexdigest() == CANONICAL_SHA256
    assert verify(known(), secret_of, MADE) == "IDEXAMPLE"


AUTHORIZATION = KNOWN["headers"]["Authorization"]


def authorization(pattern, replacement):
    """The known request with a part of its Authorization header replaced."""
    text, count = re.subn(pattern, replacement, AUTHORIZATION, count=1)
    assert count == 1
    assert text != AUTHORIZATION
    return known(authorization=text)


TAMPERED = {
    "another body": (replace(known(), body=b'{"RegistryId": "tcr-2", "Page": 1}'), Fault.MISMATCH),
    "a longer body": (replace(known(), body=KNOWN["body"].encode() + b" "), Fault.MISMATCH),
    "no body": (replace(known(), body=b""), Fault.MISMATCH),
    "another method": (replace(known(), method="PUT"), Fault.MISMATCH),
    "sent as GET": (replace(known(), method="GET"), Fault.MISMATCH),
    "another type": (known(content_type="text/plain"), Fault.MISMATCH),
    "a charset in the type": (known(content_type="application/json; charset=utf-8"), Fault.MISMATCH),
    "no type": (known(content_type=None), Fault.MALFORMED),
    "another host": (known(host="127.0.0.2:8080"), Fault.MISMATCH),
    "another port": (known(host="127.0.0.1:8081"), Fault.MISMATCH),
    "no host": (known(host=None), Fault.MALFORMED),
    "one second later": (known(x_tc_timestamp=str(MADE + 1)), Fault.MISMATCH),
    "no time": (known(x_tc_timestamp=None), Fault.MALFORMED),
    "a broken time": (known(x_tc_timestamp="1767323045.0"), Fault.MALFORMED),
    "a signed time": (known(x_tc_timestamp="+1767323045"), Fault.MALFORMED),
    "digits of another script": (known(x_tc_timestamp="١٧٦٧٣٢٣٠٤٥"), Fault.MALFORMED),
    "a time without end": (known(x_tc_timestamp="1" * 5000), Fault.MALFORMED),
    "an unsigned payload": (known(x_tc_content_sha256="UNSIGNED-PAYLOAD"), Fault.MISMATCH),
    "another payload's hash": (known(x_tc_content_sha256="0" * 64), Fault.MISMATCH),
    "no authorization": (known(authorization=None), Fault.MALFORMED),
    "an empty authorization": (known(authorization=" "), Fault.MALFORMED),
    "another scheme": (authorization("^TC3-HMAC-SHA256", "TC3-HMAC-SHA1"), Fault.MALFORMED),
    "the SDK without signing": (known(authorization="SKIP"), Fault.MALFORMED),
    "another key": (authorization("IDEXAMPLE", "IDOTHER"), Fault.UNKNOWN_KEY),
    "another known key": (authorization("IDEXAMPLE", KEY), Fault.MISMATCH),
    "no key": (authorization("IDEXAMPLE", ""), Fault.MALFORMED),
    "the day before": (authorization("2026-01-02", "2026-01-01"), Fault.MISMATCH),
    "no day": (authorization("2026-01-02", "20260102"), Fault.MALFORMED),
    "another service": (authorization("/tcr/", "/cvm/"), Fault.MISMATCH),
    "another service that we accept": (authorization("/tcr/", "/127/"), Fault.MISMATCH),
    "no service": (authorization("/tcr/", "/"), Fault.MALFORMED),
    "another scope": (authorization("tc3_request", "tc3_requests"), Fault.MALFORMED),
    "headers in another order": (authorization("content-type;host", "host;content-type"), Fault.MISMATCH),
    "one header more": (authorization("content-type;host", "content-type;host;x-tc-region"), Fault.MISMATCH),
    "a header that was not sent": (authorization("content-type;host", "content-type;host;x-other"), Fault.MALFORMED),
    "the host not signed": (authorization("content-type;host", "content-type"), Fault.MALFORMED),
    "the type not signed": (authorization("content-type;host", "host"), Fault.MALFORMED),
    "no header signed": (authorization("content-type;host", ""), Fault.MALFORMED),
    "another signature": (authorization("Signature=1", "Signature=2"), Fault.MISMATCH),
    "a short signature": (authorization("5a$", "5"), Fault.MALFORMED),
    "a long signature": (authorization("5a$", "5aa"), Fault.MALFORMED),
    "no signature": (authorization(", Signature=.*", ""), Fault.MALFORMED),
    "something after it": (authorization("$", ", Signature=" + "0" * 64), Fault.MALFORMED),
}


@pytest.mark.parametrize(("request_", "fault"), TAMPERED.values(), ids=TAMPERED)
def test_tampered_request(request_, fault):
    """Whatever is changed after signing, the request is refused with the vendor's code."""
    assert fault_of(request_, MADE) is fault


def test_unsigned_payload_signed_as_the_vendor_does():
    """The literal in place of the body's hash is refused even where it is what was signed."""
    request = signed(body=b"UNSIGNED-PAYLOAD", sent={"X-TC-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert fault_of(replace(request, body=b"anything")) is Fault.MISMATCH
    assert fault_of(request) is Fault.MISMATCH


@pytest.mark.parametrize("late", [-300, -299.5, 0, 299.5, 300])
def test_clocks_differ_a_little(late):
    """Five minutes either way are accepted."""
    assert verify(signed(), secret_of, NOW + late) == KEY


@pytest.mark.parametrize("late", [-86400, -301, 300.5, 301, 10**9])
def test_clocks_differ_too_much(late):
    """A request from more than five minutes ago or ahead is refused as expired."""
    assert fault_of(signed(), NOW + late) is Fault.EXPIRED


def test_day_is_that_of_the_signature():
    """Around midnight the scope has the day when the request was signed, not the day when it arrived."""
    midnight = 1_800_057_600.0
    assert midnight % 86400 == 0
    assert verify(signed(at=midnight - 10), secret_of, midnight + 10) == KEY


@pytest.mark.parametrize(
    "options",
    [
        {"service": "127"},
        {"host": "registry.example.com:8443", "service": "registry"},
        {"host": "enforcer", "service": "enforcer"},
        {"host": "http://127.0.0.1:8080"},
        {"host": "http://127.0.0.1:8080", "service": "127"},
        {"signed": {"content-type": "application/json", "host": "127.0.0.1"}},
        {"content_type": "Application/JSON", "signed": {"content-type": "application/json", "host": "127.0.0.1:8080"}},
        {"host": "Example.com:1", "signed": {"content-type": "application/json", "host": "example.com"}},
        {"signed": {"content-type": "application/json", "host": "127.0.0.1:8080", "x-tc-timestamp": str(int(NOW))}},
    ],
    ids=str,
)
def test_what_real_clients_do(options):
    """Other readings of the specification that were seen pass as well."""
    assert verify(signed(**options), secret_of, NOW) == KEY


@pytest.mark.parametrize("service", ["cvm", "0", "127.0.0.1", "example", "com", "TCR"])
def test_signed_for_another_service(service):
    """A signature for another service of the same account is worth nothing here."""
    assert fault_of(signed(host="registry.example.com:127", service=service)) is Fault.MISMATCH


def test_payload_hash_in_a_header():
    """The header with the true hash of the body does no harm."""
    right = hashlib.sha256(b"{}").hexdigest()
    assert verify(signed(sent={"X-TC-Content-SHA256": right}), secret_of, NOW) == KEY


def test_query_of_a_get_is_signed_as_it_was_sent():
    """Neither order nor escapes of the query may change, and a GET has no payload."""
    query = "Rule.Disabled=True&RegistryId=tcr-1&Rule.TagPattern=v%2A"
    request = signed("GET", query=query, body=b"ignored")
    assert verify(request, secret_of, NOW) == KEY
    for other in ("RegistryId=tcr-1&Rule.Disabled=True&Rule.TagPattern=v%2A", query.replace("%2A", "*"), ""):
        assert fault_of(replace(request, query=other)) is Fault.MISMATCH


def test_query_of_a_post_is_no_part_of_it():
    """A POST is signed without its query, which therefore must not be read."""
    assert verify(replace(signed(), query="RegistryId=other"), secret_of, NOW) == KEY


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_header(authorization_, timestamp):
    """No text in the headers does more than be refused."""
    headers = {"host": "h", "content-type": "t", "authorization": authorization_, "x-tc-timestamp": timestamp}
    fault_of(SignedRequest("POST", "", headers, b""))


@given(
    st.sampled_from(["POST", "GET"]),
    st.binary(max_size=64),
    st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), max_size=40),
    st.integers(0, 31),
)
def test_any_request_passes_as_signed_and_with_no_other_signature(method, body, query, place):
    """Whatever the body and the query, the signature fits, and a signature with one digit changed does not."""
    request = signed(method, body=body, query=query)
    assert verify(request, secret_of, NOW) == KEY
    text = request.headers["authorization"]
    at = len(text) - 1 - place
    other = text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1 :]
    assert fault_of(replace(request, headers=dict(request.headers) | {"authorization": other})) is Fault.MISMATCH
