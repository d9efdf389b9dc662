"""The calls of the Harbor API: the rules of a project, and as much of projects as leads clients to their rules."""

from __future__ import annotations

import re
from urllib.parse import quote

from flask import Blueprint, Response, abort, g, jsonify, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from enforcer.policies.policy import Policy
from enforcer.web.accounts import Account, count_failed_login
from enforcer.web.body import read_body
from enforcer.web.services import services
from enforcer.web.vendors.harbor.answers import answer_page
from enforcer.web.vendors.harbor.projects import PREFIX, find_project, project_json, projects
from enforcer.web.vendors.harbor.rules import change_of, harbor_rule_json, new_rule
from enforcer.web.vendors.rules import place_check

blueprint = Blueprint("harbor", __name__, url_prefix=f"{PREFIX}projects")

_RULES = "/<project>/immutabletagrules"
_RULE = f"{_RULES}/<rule>"

_EMPTY = "text/plain"
"""The type of an empty answer: clients would parse one that says JSON."""

_NUMBER = re.compile(r"\d{1,18}", flags=re.ASCII)


def is_call() -> bool:
    """True if the current request is meant for this API."""
    return request.path.startswith(PREFIX)


@blueprint.before_request
def _admit() -> None:
    g.account = authenticate()
    if request.method not in ("GET", "HEAD", "OPTIONS") and not g.account.is_admin:
        abort(403, f"forbidden: {g.account.name} may look at rules, not change them")
    g.body = read_body()


@blueprint.get(_RULES)
def list_rules(project: str) -> Response:
    """A page of the rules, by id."""
    place = find_project(project)
    policies = services().stores.policies.current().of_namespace(place.registry, place.name)
    return answer_page([harbor_rule_json(policy) for policy in policies])


@blueprint.post(_RULES)
def create_rule(project: str) -> Response:
    """Add a rule."""
    place = find_project(project)
    policy = services().stores.policies.create(new_rule(g.body, place.registry, place.name), g.account.name)
    location = f"{PREFIX}projects/{quote(project, safe='')}/immutabletagrules/{policy.id}"
    return Response(status=201, headers={"Location": location}, mimetype=_EMPTY)


@blueprint.put(_RULE)
def update_rule(project: str, rule: str) -> Response:
    """Replace a rule, or switch it on or off."""
    here, place, number = services(), find_project(project), _number(rule)
    check = place_check(here.stores.namespaces, place.registry, place.name)
    change = change_of(g.body, number)

    def edit(policy: Policy) -> Policy:
        check(policy)
        return change(policy)

    here.stores.policies.change(number, edit, g.account.name)
    return Response(mimetype=_EMPTY)


@blueprint.delete(_RULE)
def delete_rule(project: str, rule: str) -> Response:
    """Remove a rule."""
    here, place = services(), find_project(project)
    check = place_check(here.stores.namespaces, place.registry, place.name)
    here.stores.policies.delete(_number(rule), g.account.name, check=check)
    return Response(mimetype=_EMPTY)


@blueprint.get("")
def list_projects() -> Response:
    """A page of the projects; `project_name` asks whether there is one of just that name."""
    asked = request.args.get("project_name", "")
    if asked and asked not in [project.name for project in projects(asked)]:
        abort(404, f"project {asked} not found")
    return answer_page([project_json(project) for project in projects(request.args.get("name", ""))])


@blueprint.get("/<project>")
def show_project(project: str) -> Response:
    """One project."""
    return jsonify(project_json(find_project(project)))


def _number(rule: str) -> int:
    if not _NUMBER.fullmatch(rule):
        abort(422, f"immutable_rule_id in path must be a number: {rule[:40]!r}")
    return int(rule)


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
        count_failed_login(here.stores.redis, "Harbor", request.remote_addr or "")
    raise Unauthorized("unauthorized: give the name and password of an account", www_authenticate=_CHALLENGE)
