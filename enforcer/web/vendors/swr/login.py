"""Authentication of the SWR API: the account that signed the request, or whose token it carries.

A non-empty `Authorization` is verified even if a token comes along, as the SDK sends both; the token counts only
without it.
"""

from __future__ import annotations

from typing import NoReturn

from flask import abort, request

from enforcer.times import Time
from enforcer.web.accounts import Account, count_failed_login
from enforcer.web.services import Services, services
from enforcer.web.vendors.signing.sdk_hmac import SCHEME, SignatureRefused, SignedRequest, verify

_TOKEN = "X-Auth-Token"  # noqa: S105 - a header's name


def authenticate(body: bytes) -> Account:
    """The account that the current request comes from. Raises `Unauthorized`."""
    here = services()
    if request.headers.get("Authorization", "").strip():
        return _by_signature(here, body)
    token = request.headers.get(_TOKEN, "")
    if not token:
        _refuse(f"neither Authorization nor {_TOKEN} is there")
    account = here.accounts.by_token(token)
    if account is None:
        count_failed_login(here.stores.redis, _TOKEN, request.remote_addr or "")
        _refuse("decrypt token fail")
    return account


def _by_signature(here: Services, body: bytes) -> Account:
    found: dict[str, Account] = {}

    def secret_of(key: str) -> str | None:
        known = here.accounts.by_access_key(key)
        if known is None:
            return None
        found[key], secret = known
        return secret

    try:
        return found[verify(_signed_request(body), secret_of, Time.now())]
    except SignatureRefused as error:
        count_failed_login(here.stores.redis, SCHEME, request.remote_addr or "")
        _refuse(f"verify aksk signature fail, {error}")


def _signed_request(body: bytes) -> SignedRequest:
    """The request as it was sent: werkzeug's own path and arguments have replaced what is not UTF-8."""
    return SignedRequest(
        method=request.method,
        path=request.environ["PATH_INFO"],
        query=request.environ.get("QUERY_STRING", ""),
        headers=tuple(request.headers.items()),
        body=body,
    )


def _refuse(reason: str) -> NoReturn:
    abort(401, f"Incorrect IAM authentication information: {reason}")
