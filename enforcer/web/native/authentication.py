"""Authentication of the native API: HTTP Basic with an account's name and password, or its token as Bearer."""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from enforcer.web.accounts import Account, Accounts, count_failed_login
from enforcer.web.services import services

_CHALLENGES = (
    WWWAuthenticate("basic", {"realm": "Tag Enforcer", "charset": "UTF-8"}),
    WWWAuthenticate("bearer", {"realm": "Tag Enforcer"}),
)


def authenticate() -> Account:
    """The account that the request proves to come from. Raises `Unauthorized`."""
    here = services()
    if "Authorization" not in request.headers:
        raise Unauthorized(_how_to(), www_authenticate=_CHALLENGES)
    given = _given()
    account = _find(here.accounts, given) if given else None
    if account is None:
        scheme = given.type if given and given.type in ("basic", "bearer") else "unknown"
        count_failed_login(here.stores.redis, f"native {scheme}", request.remote_addr or "an unknown address")
        raise Unauthorized(f"the credentials do not serve: {_how_to()}", www_authenticate=_CHALLENGES)
    return account


def require_admin(account: Account) -> None:
    """Raise `Forbidden` for an account that may only look."""
    if not account.is_admin:
        raise Forbidden(f"{account.name} is a viewer: only an account with role admin may change anything")


def _given() -> Authorization | None:
    try:
        return request.authorization
    except ValueError:  # werkzeug lets it through for Basic with anything but ASCII
        return None


def _find(accounts: Accounts, given: Authorization) -> Account | None:
    if given.type == "basic":
        return accounts.by_password(given.username or "", given.password or "")
    if given.type == "bearer":
        return accounts.by_token(given.token or "")
    return None


def _how_to() -> str:
    if services().settings.accounts:
        return "give the name and password of an account by HTTP Basic, or its token by Bearer"
    return "no account is configured, so this API is closed: add a table [accounts.<name>]"
