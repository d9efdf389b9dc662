"""`POST /` and `GET /`: one call, from its signature to its answer."""

from __future__ import annotations

import re
import time

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from enforcer.web.accounts import Account, count_failed_login
from enforcer.web.body import read_body
from enforcer.web.services import services
from enforcer.web.vendors.signing.tc3 import SCHEME, Fault, SignatureRefused, SignedRequest, verify
from enforcer.web.vendors.tcr.answers import CallRefused, answer, answer_error
from enforcer.web.vendors.tcr.parameters import from_json, from_query
from enforcer.web.vendors.tcr.rules import ACTIONS, Action

VERSION = "2019-09-24"

_ACTION_IN_FORM = re.compile(rb"(?:^|&)Action=")

blueprint = Blueprint("tcr", __name__)


def is_call() -> bool:
    """True if the current request is meant for this API; others may share its address."""
    return request.path == "/" and bool(_common("Action"))


@blueprint.route("/", methods=["GET", "POST"])
def call() -> Response:
    """Carry out a call."""
    if not is_call():
        return _no_call()
    # A GET's body is not signed, so it is not read either.
    body = read_body() if request.method == "POST" else b""
    account = _authenticated(body)
    action = _action(account)
    if request.method == "POST":
        parameters = from_json(action.parameters, body)
    else:
        parameters = from_query(action.parameters, request.query_string)
    return answer(action.run(services(), parameters, account.name))


def _no_call() -> Response:
    """The vendor's older signatures put the action into a form; a client that still uses one is told so."""
    is_form = request.mimetype == "application/x-www-form-urlencoded"
    if not is_form or _ACTION_IN_FORM.search(read_body()) is None:
        raise NotFound("there is nothing at this address but the TCR API, whose calls have a header X-TC-Action")
    _count_failed_login()
    return answer_error(SignatureRefused(f"this kind of signature is not accepted: use {SCHEME}", Fault.MALFORMED))


def _common(name: str) -> str:
    """A parameter that every call has: in a header or, where that is missing, in the query."""
    return request.headers.get(f"X-TC-{name}") or request.args.get(name, "")


def _authenticated(body: bytes) -> Account:
    here = services()
    found: dict[str, tuple[Account, str]] = {}

    def secret_of(key: str) -> str | None:
        if (known := here.accounts.by_access_key(key)) is None:
            return None
        found[key] = known
        return known[1]

    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = SignedRequest(request.method, request.query_string.decode("latin-1"), headers, body)
    try:
        key = verify(signed, secret_of, time.time())
    except SignatureRefused:
        _count_failed_login()
        raise
    return found[key][0]


def _count_failed_login() -> None:
    count_failed_login(services().stores.redis, SCHEME, request.remote_addr or "")


def _action(account: Account) -> Action:
    """The action that the call names. Raises `CallRefused` also where the account may not ask for it."""
    name, version = _common("Action"), _common("Version")
    action = ACTIONS.get(name)
    if action is None:
        raise CallRefused("InvalidAction", f"there is no action {name[:80]!r}; there are {', '.join(ACTIONS)}")
    if version != VERSION:
        raise CallRefused("NoSuchVersion", f"X-TC-Version should be {VERSION}, got {version[:80]!r}")
    if action.changes and not account.is_admin:
        raise CallRefused("UnauthorizedOperation", f"{account.name} may look at rules, not change them")
    return action
