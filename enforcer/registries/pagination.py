"""Pagination of long lists: the names on a page, and the query for the next."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qs

from requests.utils import parse_header_links

from enforcer.errors import RegistryRefused
from enforcer.registries.transport import Answer

Query = Sequence[tuple[str, str]]

_SIZE = 1000
FIRST_PAGE: Query = (("n", str(_SIZE)),)

PAGE_LIMIT = 32 * 1024 * 1024
"""Bytes of one page; Distribution 2.8 lists all tags of a repository in one."""


def names_in(answer: Answer, key: str, what: str) -> list[str]:
    """The names that an answer lists under a key; `null`, which Distribution says of no tags, is no names."""
    if answer.status != 200:
        raise answer.error(what)
    if not answer.complete:
        raise RegistryRefused(f"{what}: the list is longer than {PAGE_LIMIT} bytes")
    try:
        listed = json.loads(answer.body)[key]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise RegistryRefused(f"{what}: expected a JSON object with {key}: check the registry's url") from error
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def next_page(answer: Answer, names: Sequence[str]) -> Query | None:
    """The query for the next page; None where this was the last.

    Of a `Link` only `n` and `last` are used: where the list is, the settings say. Without one, a page that is just full
    may have a next.
    """
    # The address in the header may be another host's, to which the credentials would then go.
    for link in parse_header_links(answer.headers.get("Link", "")):
        if link.get("rel") == "next":
            given = parse_qs(link["url"].partition("?")[2])
            return [(name, given[name][0]) for name in ("n", "last") if name in given] if "last" in given else None
    return (*FIRST_PAGE, ("last", names[-1])) if len(names) == _SIZE else None


def wants_other_size(answer: Answer) -> bool:
    """True if the registry's own limit (`catalog.maxentries` in Distribution) is lower than the size asked for."""
    return answer.status == 400 and b"PAGINATION_NUMBER_INVALID" in answer.body
