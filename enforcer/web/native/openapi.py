"""The OpenAPI document of the native API, made from what its operations declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from enforcer.web.native import operations, problems, texts
from enforcer.web.native.operations import PREFIX, Operation
from enforcer.web.native.problems import Problem

Json = dict[str, Any]
_Schemas = Mapping[Any, Json]
"""A reference for each model and mode."""

_DESCRIPTION = """\
Policies say which tags of a registry are immutable; what is overwritten or deleted in spite of them is a violation, and
put back. An account logs in with its name and password (Basic) or its token (Bearer); a viewer may only look.

Lists come in pages: `total` counts the entries of all, and the Link header, while there is one, leads to the next.
Errors are problem details (RFC 9457). A change of a policy that names its ETag in If-Match is refused with status 412
if another client was quicker.
"""

_PATH_PARAMETERS: dict[str, tuple[Json, str]] = {
    "policy_id": ({"type": "integer", "minimum": 1}, "Number of the policy."),
    "unlock_id": ({"type": "integer", "minimum": 1}, "Number of the unlock."),
    "violation_id": ({"type": "string", "pattern": "^[0-9a-f]{16}$"}, "Id of the violation."),
    "registry": (texts.REGISTRY, "Name of the registry."),
    "repository": (texts.REPOSITORY, "The repository, with its namespace."),
    "tag": (texts.TAG, "Name of the tag."),
}

_REFUSALS = {
    400: "A parameter or the body is wrong; `errors` says what.",
    401: "The credentials are missing or do not serve.",
    403: "The account may only look.",
    404: "There is no such thing.",
    409: "The namespace has no room for it, or a policy that says the same.",
    412: "The policy has another revision by now.",
    413: "The body is too long.",
    415: "The body is no JSON.",
    503: "The store does not answer.",
}

_ETAG = {"type": "string", "pattern": '^"[1-9][0-9]*"$'}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "ETag that the policy must still have.",
}


class _Untitled(GenerateJsonSchema):
    """Without titles that only repeat the names of fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic asks so
        return False


def document(groups: Iterable[operations.Group]) -> Json:
    """The whole document."""
    grouped = [(group.name, operation) for group in groups for operation in group.operations]
    schemas, components = _schemas([operation for _, operation in grouped])
    paths: Json = {}
    for tag, operation in grouped:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(tag, operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tag Enforcer", "version": version("tag-enforcer"), "description": _DESCRIPTION},
        "servers": [{"url": PREFIX}],
        "security": [{"basic": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _schemas(declared: Sequence[Operation]) -> tuple[_Schemas, Json]:
    """A reference for each model that is taken or given, and all that they refer to."""
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(Problem, "serialization"): None}
    for operation in declared:
        if operation.body is not None:
            wanted[operation.body, "validation"] = None
        if operation.answer is not None:
            wanted[operation.answer, "serialization"] = None
    references, found = models_json_schema(
        list(wanted), ref_template="#/components/schemas/{model}", schema_generator=_Untitled
    )
    return references, found["$defs"]


def _operation(tag: str, operation: Operation, schemas: _Schemas) -> Json:
    described: Json = {
        "operationId": operation.name,
        "tags": [tag],
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation)],
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.conditional:
        described["parameters"].append(_IF_MATCH)
    if operation.body is not None:
        content = {operations.MEDIA_TYPE: {"schema": schemas[operation.body, "validation"]}}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _path_parameters(operation: Operation) -> list[Json]:
    found = []
    for name in operation.parameters:
        schema, description = _PATH_PARAMETERS[name]
        found.append({"name": name, "in": "path", "required": True, "schema": schema, "description": description})
    return found


def _query_parameters(operation: Operation) -> list[Json]:
    schema = operation.query.model_json_schema(schema_generator=_Untitled)
    shared = schema.get("$defs", {})
    found = []
    for name, field in schema["properties"].items():
        plain = _plain(field, shared)
        description = plain.pop("description")
        required = name in schema.get("required", ())
        found.append({"name": name, "in": "query", "required": required, "schema": plain, "description": description})
    return found


def _plain(field: Json, shared: Json) -> Json:
    """The schema of a query parameter: one that need not be given is left out then, and never null."""
    plain = dict(field)
    for choice in plain.pop("anyOf", []):
        if choice != {"type": "null"}:
            plain |= choice
    if plain.get("default", ...) is None:
        del plain["default"]
    if "$ref" in plain:
        named = shared[plain.pop("$ref").rpartition("/")[2]]
        plain |= {key: value for key, value in named.items() if key not in ("title", "description")}
    return plain


def _responses(operation: Operation, schemas: _Schemas) -> Json:
    success: Json = {"description": HTTPStatus(operation.status).description or HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        success["content"] = {operations.MEDIA_TYPE: {"schema": schemas[operation.answer, "serialization"]}}
    headers = _headers(operation)
    if headers:
        success["headers"] = headers
    refused = {str(status): _refusal(status, schemas) for status in sorted(_refusals(operation))}
    return {str(operation.status): success} | refused


def _headers(operation: Operation) -> Json:
    headers: Json = {}
    if operation.paged:
        headers["Link"] = {"schema": {"type": "string"}, "description": "Where the next page is, if there is one."}
    if operation.versioned:
        headers["ETag"] = {"required": True, "schema": _ETAG, "description": "Revision of the policy."}
    if operation.status == HTTPStatus.CREATED:
        headers["Location"] = {"required": True, "schema": {"type": "string"}, "description": "Path of what was made."}
    return headers


def _refusals(operation: Operation) -> set[int]:
    statuses = {400, 401, 503, *operation.refusals}
    if operation.changes:
        statuses.add(403)
    if operation.body is not None:
        statuses |= {413, 415}
    if operation.conditional:
        statuses.add(412)
    return statuses


def _refusal(status: int, schemas: _Schemas) -> Json:
    return {
        "description": _REFUSALS[status],
        "content": {problems.MEDIA_TYPE: {"schema": schemas[Problem, "serialization"]}},
    }
