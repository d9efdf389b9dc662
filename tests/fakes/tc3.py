"""Signs requests with TC3-HMAC-SHA256, step by step as the vendor describes it; it shares nothing with the verifier.

headers = sign("POST", body=b"{}", key="AK", secret="SK", at=time.time())
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from datetime import UTC, datetime

KEY = "AKIDEXAMPLE"
SECRET = "a-secret-key-for-the-tests"
HOST = "127.0.0.1:8080"


def sign(
    method: str,
    *,
    query: str = "",
    body: bytes = b"",
    key: str = KEY,
    secret: str = SECRET,
    at: float | None = None,
    host: str = HOST,
    service: str = "tcr",
    content_type: str = "application/json",
    signed: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The headers of a signed request; `signed` are the values that the signature is made with, if others than sent."""
    timestamp = str(int(time.time() if at is None else at))
    date = datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%d")
    values = dict(sorted((signed or {"content-type": content_type, "host": host}).items()))
    names = ";".join(values)
    lines = "".join(f"{name}:{value}\n" for name, value in values.items())
    payload = b"" if method == "GET" else body
    canonical = f"{method}\n/\n{query if method == 'GET' else ''}\n{lines}\n{names}\n{_hash(payload)}"
    scope = f"{date}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{_hash(canonical.encode())}"
    signing_key = _hmac(_hmac(_hmac(b"TC3" + secret.encode(), date), service), "tc3_request")
    signature = _hmac(signing_key, text).hex()
    return {
        "Content-Type": content_type,
        "Host": host,
        "X-TC-Timestamp": timestamp,
        "Authorization": f"TC3-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}",
    }


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
