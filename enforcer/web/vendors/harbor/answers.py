"""Answers of the Harbor API: its errors, and the headers of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, abort, json, jsonify, request

from enforcer.errors import InvalidPolicy
from enforcer.web.errors import as_http, with_headers
from enforcer.web.vendors.query import integer

PAGE, LARGEST_PAGE = 10, 100

_CODES = {401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 500: "UNKNOWN"}


def answer_error(error: Exception) -> Response:
    """The answer for an error; some clients read its body only if the type says JSON."""
    http = as_http(error)
    status = http.code or 500
    code = _CODES.get(status, http.name.upper().replace(" ", "_"))
    content = {"errors": [{"code": code, "message": http.description or http.name}]}
    answer = Response(json.dumps(content), status, content_type="application/json; charset=utf-8")
    return with_headers(answer, http)


def answer_page(items: Sequence[Any]) -> Response:
    """The page of the list that the request asks for, with the number of all and the way to the pages beside it."""
    try:
        page, size = integer("page", 1, least=1), integer("page_size", PAGE, least=1, most=LARGEST_PAGE)
    except InvalidPolicy as error:
        abort(422, str(error))
    start = (page - 1) * size
    answer = jsonify(items[start : start + size])
    answer.headers["X-Total-Count"] = str(len(items))
    links = []
    if page > 1 and start <= len(items):
        links.append(_link(page - 1, size, "prev"))
    if start + size < len(items):
        links.append(_link(page + 1, size, "next"))
    if links:
        answer.headers["Link"] = " , ".join(links)
    return answer


def _link(page: int, size: int, relation: str) -> str:
    """A link without a host, which clients put in front themselves."""
    query = sorted((request.args.to_dict() | {"page": str(page), "page_size": str(size)}).items())
    return f'<{quote(request.path)}?{urlencode(query)}>; rel="{relation}"'
