"""The calls of the SWR API under `/v2/{project_id}/instances/{instance_id}`.

Update and delete answer 200 and 204, about which the vendor is silent: that is what its SDK and Terraform take. A page
past the end is empty, since Terraform reads on until one is.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, request

from enforcer.errors import InvalidPolicy
from enforcer.policies.policy import Policy
from enforcer.store.namespaces import NumberedNamespace
from enforcer.validation.json_object import parse
from enforcer.web.body import read_body
from enforcer.web.services import services
from enforcer.web.vendors.query import integer
from enforcer.web.vendors.rules import place_check
from enforcer.web.vendors.swr.answers import identified
from enforcer.web.vendors.swr.login import authenticate
from enforcer.web.vendors.swr.rules import SwrRule, swr_rule_json

PREFIX = "/v2/"
"""The beginning of the path of every call."""

blueprint = Blueprint("swr", __name__, url_prefix=f"{PREFIX}<project>/instances/<instance>")

_RULES = "/namespaces/<namespace>/immutabletagrules"
_RULE = f"{_RULES}/<int:rule>"

PAGE, LARGEST_PAGE = 10, 100


def is_call() -> bool:
    """True if the current request is meant for this API."""
    return request.path.startswith(PREFIX)


@blueprint.url_value_preprocessor
def _take_place(_: str | None, values: dict[str, Any] | None) -> None:
    if values is not None:
        g.project, g.instance = values.pop("project"), values.pop("instance")


@blueprint.before_request
def _admit() -> None:
    # Unlike in Harbor's dialect the body comes first: the signature covers it.
    g.body = read_body()
    g.account = authenticate(g.body)
    if not g.account.may_use(g.project):
        abort(403, f"Insufficient permissions: {g.account.name} may not use the project {g.project}")
    if request.method not in ("GET", "HEAD", "OPTIONS") and not g.account.is_admin:
        abort(403, f"Insufficient permissions: {g.account.name} may look at rules, not change them")


blueprint.after_request(identified)


@blueprint.post(_RULES)
def create_rule(namespace: str) -> tuple[Response, int]:
    """Add a rule."""
    place = services().stores.namespaces.get(g.instance, namespace)
    policy = services().stores.policies.create(parse(SwrRule, g.body).create_in(place), g.account.name)
    return jsonify({"id": policy.id}), 201


@blueprint.get("/immutabletagrules")
def list_rules() -> Response:
    """A page of the rules of the whole instance or of one namespace, by id."""
    here = services()
    registry = here.stores.namespaces.registry(g.instance)
    numbers = {namespace.name: namespace.id for namespace in here.stores.namespaces.of(registry)}
    wanted = integer("namespace_id", -1)
    shown = [
        swr_rule_json(policy, numbers.get(policy.namespace, 0))
        for policy in here.stores.policies.current()
        if policy.registry == registry and wanted in (-1, numbers.get(policy.namespace, 0))
    ]
    return jsonify({"immutable_rules": shown[_page()], "total": len(shown)})


@blueprint.put(_RULE)
def update_rule(namespace: str, rule: int) -> Response:
    """Replace a rule; what is left out takes its default."""
    here = services()
    check = place_check(here.stores.namespaces, g.instance, namespace)
    body = parse(SwrRule, g.body)

    def edit(policy: Policy) -> Policy:
        check(policy)
        return body.replace_in(policy)

    here.stores.policies.change(rule, edit, g.account.name)
    return jsonify({})


@blueprint.delete(_RULE)
def delete_rule(namespace: str, rule: int) -> tuple[Response, int]:
    """Remove a rule."""
    here = services()
    here.stores.policies.delete(rule, g.account.name, check=place_check(here.stores.namespaces, g.instance, namespace))
    return Response(mimetype="text/plain"), 204


@blueprint.get("/namespaces")
def list_namespaces() -> Response:
    """A page of the namespaces, by number; `name` selects those that contain it. None is public."""
    name, public = request.args.get("name", ""), request.args.get("public", "false")
    shown = [
        _namespace_json(namespace)
        for namespace in services().stores.namespaces.of(g.instance)
        if name in namespace.name and public.lower() != "true"
    ]
    return jsonify({"namespaces": shown[_page()], "total": len(shown)})


@blueprint.get("/namespaces/<namespace>")
def show_namespace(namespace: str) -> Response:
    """One namespace, by its name."""
    return jsonify(_namespace_json(services().stores.namespaces.get(g.instance, namespace)))


def _namespace_json(namespace: NumberedNamespace) -> dict[str, Any]:
    return {"name": namespace.name, "namespace_id": namespace.id, "metadata": {"public": "false"}}


def _page() -> slice:
    """The part of a list that `offset` and `limit` ask for."""
    limit = integer("limit", PAGE, least=1, most=LARGEST_PAGE)
    offset = integer("offset", 0)
    if offset % limit:
        raise InvalidPolicy(f"offset: should be 0 or a multiple of limit, {limit}, got {offset}")
    return slice(offset, offset + limit)
