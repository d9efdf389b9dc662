from __future__ import annotations

import re

import pytest

PUBLIC = "/openapi.json"


@pytest.fixture
def document(client):
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return answer.get_json()


def test_every_route_is_documented(app, document):
    """The document has exactly the routes that there are."""
    routes = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(rule).removeprefix("/api/v1")))
        for rule in app.url_map.iter_rules()
        if str(rule).startswith("/api/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {(method.upper(), path) for path, found in document["paths"].items() for method in found}
    assert documented == routes - {("GET", PUBLIC)}


def test_every_reference_leads_somewhere(document):
    """Whoever follows a reference finds a schema."""
    found = set()

    def walk(node):
        if isinstance(node, dict):
            found.update(value for name, value in node.items() if name == "$ref")
            node = list(node.values())
        for inner in node if isinstance(node, list) else []:
            walk(inner)

    walk(document)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert found == known


def test_every_operation_explains_itself(document):
    """Each operation, parameter and field says what it is for, and names of operations are unique."""
    operations = [operation for found in document["paths"].values() for operation in found.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for operation in operations:
        assert operation["summary"], operation["operationId"]
        for parameter in operation["parameters"]:
            assert parameter["description"], (operation["operationId"], parameter["name"])
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            assert described.keys() & {"description", "$ref"}, (name, field)


def test_a_policy_is_taken_as_it_is_given(document):
    """What a client may send is what it gets, but for what the store alone knows; a change may be any of it."""
    schemas = document["components"]["schemas"]
    shown, taken = set(schemas["Policy"]["properties"]), set(schemas["PolicyDraft"]["properties"])
    assert shown - taken == {"id", "effective_since", "origin", "revision"}
    assert taken - shown == set()
    assert set(schemas["PolicyChange"]["properties"]) == taken - {"registry", "namespace"}
    assert "required" not in schemas["PolicyChange"]
    assert schemas["PolicyDraft"]["required"] == ["registry", "namespace", "tags"]
    assert not any("default" in field for field in schemas["PolicyChange"]["properties"].values())


def test_nothing_else_is_taken(document):
    """No object takes fields that it does not name."""
    for name, schema in document["components"]["schemas"].items():
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


def test_the_document_tells_nothing_of_the_installation(app, document, client):
    """It is served without a login, and is the same everywhere."""
    text = client.get("/api/v1/openapi.json").text
    for registry in app.extensions["enforcer"].settings.registries.values():
        assert registry.url not in text
    assert document["servers"] == [{"url": "/api/v1"}]
