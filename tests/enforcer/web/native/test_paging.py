from __future__ import annotations

import re

import pytest

from tests.fakes.native import draft, problem

LISTS = [
    "/policies?",
    "/registries?",
    "/registries/main/namespaces?",
    "/registries/main/tags?repository=team/app&",
    "/violations?",
    "/audit?",
]


@pytest.fixture
def many(call):
    """Five policies, in namespaces of their own."""
    for number in range(5):
        call("POST", "/policies", draft(namespace=f"ns{number}"))


def follow(call, path):
    """The items of each page, from the first to the last, by the Link headers."""
    pages = []
    while path:
        answer = call("GET", path)
        pages.append(answer.get_json()["items"])
        link = re.fullmatch(r'</api/v1(/.*)>; rel="next"', answer.headers.get("Link", ""))
        path = link[1] if link else None
    return pages


@pytest.mark.parametrize("path", ["/policies?limit=2&registry=main", "/audit?limit=2"])
def test_pages_lead_to_the_end(many, call, path):
    """Following the links gives every entry once; a page keeps the filter of the first one."""
    pages = follow(call, path)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({entry["id"] for page in pages for entry in page}) == 5


def test_a_full_last_page_has_no_next(many, call):
    """Nobody is led to an empty page."""
    assert [len(page) for page in follow(call, "/policies?limit=5")] == [5]
    assert [len(page) for page in follow(call, "/audit?limit=5")] == [5]


def test_past_the_end(many, call):
    """A page past the end is empty, and the total is what it is."""
    assert call.get("/policies?offset=100") == {"items": [], "total": 5}


@pytest.mark.parametrize("path", LISTS[:1] + LISTS[-1:])
@pytest.mark.parametrize("limit", ["0", "1001", "-1", "", " 1", "+1", "1_0", "1.0", "\u0661", "9" * 5000, "true"])
def test_a_limit_that_is_none(call, path, limit):
    """A page has 1 to 1000 entries, written as a plain number."""
    (error,) = problem(call("GET", f"{path}limit={limit.replace('+', '%2B')}"), 400)["errors"]
    assert error["parameter"] == "limit"


@pytest.mark.parametrize("path", LISTS)
def test_unknown_parameters_are_named(call, path):
    """Whoever mistypes a parameter is told, rather than given what they did not ask for."""
    found = problem(call("GET", f"{path}limt=1&colour=red"), 400)
    assert [error["parameter"] for error in found["errors"]] == ["limt", "colour"]
    assert found["errors"][0]["detail"] == "is no parameter here (did you mean limit?)"


def test_a_parameter_given_twice(call):
    """Of two values none is chosen."""
    assert problem(call("GET", "/policies?limit=1&limit=2"), 400)["detail"] == "limit: is given 2 times"


def test_parameters_where_there_are_none(call):
    """An operation without parameters takes none."""
    call("POST", "/policies", draft())
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        problem(call(method, "/policies/1?force=1", body), 400)
    assert call.get("/policies")["total"] == 1
