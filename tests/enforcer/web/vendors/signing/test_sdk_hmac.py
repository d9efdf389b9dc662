"""SDK-HMAC-SHA256: the vendor's own signature is believed, and nothing else that looks like one."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from enforcer.times import Time
from enforcer.web.vendors.signing.sdk_hmac import SignatureRefused, SignedRequest, canonical_request, verify
from tests.fakes.sdk_hmac import KEY, SECRET, sign

DATA = Path(__file__).parents[4] / "data" / "signatures.json"
KNOWN = next(one for one in json.loads(DATA.read_text()) if one["name"] == "hw-get")
PATH, _, QUERY = KNOWN["uri"].partition("?")
MADE = Time("2026-01-02T03:04:05Z")
AUTHORIZATION = KNOWN["headers"]["Authorization"]
SIGNATURE = AUTHORIZATION[-64:]
SIGNED_HEADERS = "content-type;host;user-agent;x-project-id;x-sdk-date"


def secret_of(key):
    return {KNOWN["ak"]: KNOWN["sk"], KEY: SECRET}.get(key)


def known(*, headers=None, **parts):
    """The request that the vendor's SDK signed, with some headers and parts changed; None removes a header."""
    sent = {name: value for name, value in (KNOWN["headers"] | (headers or {})).items() if value is not None}
    request = SignedRequest(KNOWN["method"], PATH, QUERY, tuple(sent.items()), KNOWN["body"].encode())
    return replace(request, **parts)


def signed(method="POST", path="/v2/p/instances/main/x", query=(), body=b"{}", **options):
    """A request signed at that time, and as a server gets it: each byte of its UTF-8 is a character."""
    headers = sign(method, path, query, body, date=options.pop("date", "20260102T030405Z"), **options)
    wire = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    pairs = tuple((name, value.encode().decode("latin-1")) for name, value in headers.items())
    return SignedRequest(method, path.encode().decode("latin-1"), wire, pairs, body)


def authorization(old, new):
    """The known request with something in its Authorization replaced."""
    assert old in AUTHORIZATION
    return known(headers={"Authorization": AUTHORIZATION.replace(old, new)})


def refusal(request, now=MADE, secret_of=secret_of):
    with pytest.raises(SignatureRefused) as refused:
        verify(request, secret_of, now)
    text = str(refused.value)
    assert not any(secret in text for secret in (KNOWN["sk"], SECRET, SIGNATURE))
    return text


def test_known_answer():
    """A request that the vendor's SDK signed passes at the time when it was made, down to each byte that it signed."""
    canonical = canonical_request(known(), SIGNED_HEADERS.split(";"))
    assert canonical.decode() == KNOWN["canonical"]
    assert hashlib.sha256(canonical).hexdigest() == KNOWN["canonical_sha256"]
    assert verify(known(), secret_of, MADE) == "AKEXAMPLE"


MISFIT = "the signature does not fit"
MALFORMED = "Authorization should be"
TAMPERED = {
    "another method": (known(method="DELETE"), MISFIT),
    "method in lower case": (known(method="get"), MISFIT),
    "another path": (known(path=PATH.replace("i1", "i2")), MISFIT),
    "another project": (known(path=PATH.replace("p1", "p2")), MISFIT),
    "path in capitals": (known(path=PATH.replace("p1", "P1")), MISFIT),
    "double slash": (known(path=PATH.replace("/i1/", "//i1/")), MISFIT),
    "longer path": (known(path=f"{PATH}/1"), MISFIT),
    "another value in the query": (known(query=QUERY.replace("limit=10", "limit=100")), MISFIT),
    "one more in the query": (known(query=f"{QUERY}&public=true"), MISFIT),
    "the same twice in the query": (known(query=f"{QUERY}&limit=10"), MISFIT),
    "one less in the query": (known(query="limit=10&offset=0"), MISFIT),
    "no query": (known(query=""), MISFIT),
    "names in the query swapped": (known(query="offset=10&namespace_id=3&limit=0"), MISFIT),
    "a body": (known(body=b"{}"), MISFIT),
    "another content type": (known(headers={"Content-Type": "text/plain"}), MISFIT),
    "another host": (known(headers={"Host": "127.0.0.1:8081"}), MISFIT),
    "host without its port": (known(headers={"Host": "127.0.0.1"}), MISFIT),
    "another user agent": (known(headers={"User-Agent": "ua/1.1"}), MISFIT),
    "another project id": (known(headers={"X-Project-Id": "p2"}), MISFIT),
    "another date": (known(headers={"X-Sdk-Date": "20260102T030406Z"}), MISFIT),
    "a signed header is missing": (known(headers={"X-Project-Id": None}), "names x-project-id, which"),
    "a signed header twice": (
        known(headers={"x-project-id": "p1"}),
        MISFIT,
    ),
    "no date": (known(headers={"X-Sdk-Date": None}), "names x-sdk-date, which"),
    "a date with blanks inside": (known(headers={"X-Sdk-Date": "20260102T030405 Z"}), "X-Sdk-Date should be"),
    "a date in another form": (known(headers={"X-Sdk-Date": "2026-01-02T03:04:05Z"}), "X-Sdk-Date should be"),
    "a day that does not exist": (known(headers={"X-Sdk-Date": "20260230T030405Z"}), "X-Sdk-Date should be"),
    "digits of another script": (known(headers={"X-Sdk-Date": "2026010٢T030405Z"}), "X-Sdk-Date should be"),
    "another key": (authorization("AKEXAMPLE", KEY), MISFIT),
    "an unknown key": (authorization("AKEXAMPLE", "AKOTHER"), "the access key is not known"),
    "no key": (authorization("AKEXAMPLE", ""), MALFORMED),
    "another digit in the signature": (authorization(SIGNATURE, "9" + SIGNATURE[1:]), MISFIT),
    "a shorter signature": (authorization(SIGNATURE, SIGNATURE[:-1]), MALFORMED),
    "no signature": (authorization(SIGNATURE, ""), MALFORMED),
    "fewer signed headers": (authorization("user-agent;", ""), MISFIT),
    "signed headers in another order": (authorization("host;user-agent", "user-agent;host"), MISFIT),
    "the date is not signed": (authorization(";x-sdk-date", ""), "lacks x-sdk-date"),
    "no signed headers": (authorization(SIGNED_HEADERS, ""), MALFORMED),
    "SM3": (authorization("SDK-HMAC-SHA256", "SDK-HMAC-SM3"), MALFORMED),
    "a derived key": (authorization("SDK-HMAC-SHA256", "V11-HMAC-SHA256"), MALFORMED),
    "something after it": (known(headers={"Authorization": f"{AUTHORIZATION}, Access=AKEXAMPLE"}), MALFORMED),
    "no Authorization": (known(headers={"Authorization": None}), MALFORMED),
    "Basic": (known(headers={"Authorization": "Basic b3BzOnNlY3JldA=="}), MALFORMED),
    "the body is not signed": (known(headers={"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD"}), "X-Sdk-Content-Sha256"),
    "the hash of another body": (known(headers={"X-Sdk-Content-Sha256": "0" * 64}), "X-Sdk-Content-Sha256"),
}


@pytest.mark.parametrize(("request_", "reason"), TAMPERED.values(), ids=TAMPERED)
def test_tampered(request_, reason):
    """Whatever is changed after signing is noticed."""
    assert reason in refusal(request_)


def test_equal_readings():
    """What says the same on another way through the network still fits."""
    for request in (
        known(query="offset=0&limit=10&namespace_id=3"),
        known(query="offset=%30&limit=10&namespace%5Fid=3"),
        known(path=f"{PATH}/"),
        authorization(SIGNATURE, SIGNATURE.upper()),
        authorization(", ", ",  "),
        known(headers={"User-Agent": " ua/1.0\t"}),
        known(headers={"X-Unsigned": "anything"}),
        known(headers={"X-Sdk-Content-Sha256": hashlib.sha256(b"").hexdigest()}),
    ):
        assert verify(request, secret_of, MADE) == "AKEXAMPLE"


@pytest.mark.parametrize("seconds", [-900, 0, 900])
def test_fresh(seconds):
    """Up to 15 minutes, either way, are no more than clocks that differ."""
    assert verify(known(), secret_of, MADE.plus(seconds)) == "AKEXAMPLE"


@pytest.mark.parametrize("seconds", [-901, 901, 86_400])
def test_stale(seconds):
    """A request of another time is refused, and the text says how far away that is."""
    assert f"{abs(seconds)} s away" in refusal(known(), MADE.plus(seconds))


def test_no_date_is_trusted_before_its_signature():
    """A stale request with a new date does not fit its signature."""
    later = MADE.plus(86_400)
    assert MISFIT in refusal(known(headers={"X-Sdk-Date": "20260103T030405Z"}), later)


@pytest.mark.parametrize(
    "names",
    [
        ("accept", "content-type", "user-agent", "x-sdk-date"),
        ("content-type", "host", "x-project-id", "x-sdk-date"),
        ("accept", "user-agent", "x-sdk-date"),
        ("x-sdk-date",),
    ],
    ids=["Go", "Node", "Go without a body", "only the date"],
)
def test_headers_of_other_clients(names):
    """The client chooses what it signs: Go's leaves out the host, Node's the user agent."""
    headers = {"Accept": "*/*", "Content-Type": "application/json", "User-Agent": "golangsdk", "X-Project-Id": "p"}
    assert verify(signed(headers=headers, signed=names), secret_of, MADE) == KEY


def test_signed_payload_hash():
    """A body's hash in a header is taken if it is right, and `UNSIGNED-PAYLOAD` is not, even if it was signed so."""
    request = signed(headers={"X-Sdk-Content-Sha256": hashlib.sha256(b"{}").hexdigest()})
    assert verify(request, secret_of, MADE) == KEY
    unsigned = signed(headers={"X-Sdk-Content-Sha256": "UNSIGNED-PAYLOAD", "Content-Type": "text/plain"})
    assert "X-Sdk-Content-Sha256" in refusal(unsigned)


def test_unknown_key_with_an_empty_secret():
    """No secret is not an empty one: who signs with that proves nothing."""
    assert "not known" in refusal(signed(key="AKOTHER", secret=""))


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@given(
    parts=st.lists(TEXT, max_size=4),
    query=st.lists(st.tuples(TEXT, TEXT), max_size=5),
    body=st.binary(max_size=64),
    agent=TEXT.filter(lambda text: text.strip() == text and text),
)
def test_any_request(parts, query, body, agent):
    """Whatever path, query, header and body a client signs, in any script, its signature fits."""
    path = "/" + "/".join(part.replace("/", "") for part in parts)
    request = signed("PUT", path, query, body, headers={"User-Agent": agent})
    assert verify(request, secret_of, MADE) == KEY


@given(
    path=st.text(string.ascii_letters + "/", max_size=8),
    query=st.text(string.ascii_letters + "=&%+", max_size=12),
    body=st.binary(max_size=4),
)
def test_any_other_request(path, query, body):
    """A signature fits no other path, query or body than the one that it was made for."""
    request = replace(signed(), path=f"/{path}", query=query, body=body)
    assume((request.path.rstrip("/"), query.strip("&"), body) != ("/v2/p/instances/main/x", "", b"{}"))
    assert MISFIT in refusal(request)
