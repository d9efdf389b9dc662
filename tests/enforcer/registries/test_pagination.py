from __future__ import annotations

import json

import pytest
from requests.structures import CaseInsensitiveDict

from enforcer.errors import RegistryRefused, RegistryUnavailable
from enforcer.registries.pagination import FIRST_PAGE, names_in, next_page, wants_other_size
from enforcer.registries.transport import Answer


def answer(body: bytes = b"", status: int = 200, *, complete: bool = True, **headers: str) -> Answer:
    return Answer(status, CaseInsensitiveDict(headers), body, complete)


@pytest.mark.parametrize(
    ("listed", "names"),
    [(["a", "b"], ["a", "b"]), ([], []), (None, []), (["a", 7, None, "b"], ["a", "b"]), ({"a": 1}, [])],
)
def test_names(listed, names):
    """The names are those of the list that are text; no list is no names."""
    assert names_in(answer(json.dumps({"tags": listed}).encode()), "tags", "listing") == names


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"{}", b"[" * 100_000])
def test_other_json_is_no_list(body):
    """A web page is no empty list of tags."""
    with pytest.raises(RegistryRefused, match="listing: expected a JSON object with tags"):
        names_in(answer(body), "tags", "listing")


def test_endless_list():
    """A list that was cut off is no list."""
    with pytest.raises(RegistryRefused, match="longer than"):
        names_in(answer(b'{"tags": ["a"]}', complete=False), "tags", "listing")


def test_error_answer():
    """An error is no empty list either."""
    with pytest.raises(RegistryUnavailable, match="listing: 503"):
        names_in(answer(status=503), "tags", "listing")


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ('</v2/_catalog?last=team%2Fapp&n=100>; rel="next"', [("n", "100"), ("last", "team/app")]),
        ('<http://evil.example/x?last=b&token=t>; rel="next"', [("last", "b")]),
        ('<http://[?last=b>; rel="next"', [("last", "b")]),
        ('</a?last=x>; rel="prev", </b?n=5&last=y>; rel="next"', [("n", "5"), ("last", "y")]),
        ('</v2/_catalog?n=100>; rel="next"', None),
        ("junk", None),
        ("", None),
    ],
)
def test_next_page(link, expected):
    """Of the registry's link only the two numbers of the place in the list are used."""
    assert next_page(answer(Link=link), ["a"]) == expected


def test_full_page_without_a_link():
    """Where a registry sends no link, a page that is just full has a next, after its last name."""
    names = [f"tag-{number}" for number in range(1000)]

    assert next_page(answer(), names) == (*FIRST_PAGE, ("last", "tag-999"))
    assert next_page(answer(), names[:-1]) is None


def test_size_that_is_too_large():
    """Distribution refuses more names a page than its configuration allows, with a code."""
    assert wants_other_size(answer(b'{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}', 400))
    assert not wants_other_size(answer(b"{}", 400))
    assert not wants_other_size(answer(b'{"repositories":["PAGINATION_NUMBER_INVALID"]}'))
