"""Signs requests with SDK-HMAC-SHA256, step by step as the vendor describes it; it shares nothing with the verifier.

headers = sign("GET", "/v2/p1/instances/main/immutabletagrules", [("limit", "10")])
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

KEY = "AKHUAWEI"
SECRET = "another-secret-key-for-the-tests"
HOST = "127.0.0.1:8080"


def sign(
    method: str,
    path: str,
    query: Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    key: str = KEY,
    secret: str = SECRET,
    date: str | None = None,
    headers: Mapping[str, str] | None = None,
    signed: Sequence[str] | None = None,
) -> dict[str, str]:
    """The headers of a signed request; `signed` are the names of those that are, if not all."""
    date = date or datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    sent = {"Host": HOST, "X-Sdk-Date": date} | dict(
        {"Content-Type": "application/json"} if headers is None else headers
    )
    values = {name.lower(): value.strip() for name, value in sent.items()}
    names = sorted(signed or values)
    hashed = values.get("x-sdk-content-sha256") or hashlib.sha256(body).hexdigest()
    canonical = "\n".join(
        [
            method,
            "/".join(_encoded(part) for part in path.split("/")) + ("" if path.endswith("/") else "/"),
            "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(query)),
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            hashed,
        ]
    )
    text = f"SDK-HMAC-SHA256\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"SDK-HMAC-SHA256 Access={key}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return sent | {"Authorization": authorization}


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
