"""Who calls the Harbor API: an account with its password, by HTTP Basic."""

from __future__ import annotations

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from enforcer.accounts import Account, count_failed_login
from enforcer.web.services import services

_CHALLENGE = WWWAuthenticate("basic", {"realm": "harbor", "charset": "UTF-8"})


def authenticate() -> Account:
    """The account that the current request comes from. Raises `Unauthorized`."""
    here = services()
    try:
        given = request.authorization
    except ValueError:  # werkzeug lets it through for Basic with anything but ASCII
        given = None
    if given is not None and given.type == "basic":
        account = here.accounts.by_password(given.username or "", given.password or "")
        if account is not None:
            return account
    if "Authorization" in request.headers:
        count_failed_login(here.redis, "Harbor", request.remote_addr or "")
    raise Unauthorized("unauthorized: give the name and password of an account", www_authenticate=_CHALLENGE)
