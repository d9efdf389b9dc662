"""The map from errors to HTTP, and which dialect's form an error gets."""

from __future__ import annotations

import pytest
from flask import Response
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import MethodNotAllowed, Unauthorized

from enforcer import errors as ours
from enforcer.web.app import create_app
from enforcer.web.errors import as_http, with_headers
from tests.fakes.settings import settings


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ours.InvalidName("why"), 400),
        (ours.InvalidPattern("why"), 400),
        (ours.InvalidPolicy("why"), 400),
        (ours.NotFound("why", "policy"), 404),
        (ours.PolicyConflict("why"), 409),
        (ours.StalePolicy("why", 2), 412),
        (ours.StoreUnavailable("why"), 503),
    ],
    ids=lambda given: type(given).__name__,
)
def test_every_error_has_one_status(error, status):
    """The status and the text are the same in every dialect; the body is the dialect's."""
    assert (as_http(error).code, as_http(error).description) == (status, "why")


@pytest.mark.parametrize("error", [ours.ServerFailed("geheim"), ours.EnforcerError("geheim")])
def test_our_own_fault_is_told_to_the_log_alone(error, caplog):
    """An error that no request can be at fault for becomes 500, without its text."""
    http = as_http(error)
    assert (http.code, "geheim" in (http.description or "")) == (500, False)
    assert "geheim" in caplog.text


def test_headers_of_an_error():
    """Methods that are allowed and every challenge go with the answer; the type of a page does not."""
    allowed = with_headers(Response("{}", content_type="application/json"), MethodNotAllowed(["GET"]))
    assert (allowed.headers["Allow"], allowed.content_type) == ("GET", "application/json")
    challenges = [WWWAuthenticate("basic", {"realm": "x"}), WWWAuthenticate("bearer", {"realm": "x"})]
    answer = with_headers(Response(), Unauthorized(www_authenticate=challenges))
    assert len(answer.headers.getlist("WWW-Authenticate")) == 2
    assert with_headers(Response(), as_http(ours.StoreUnavailable("away"))).headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("path", "headers", "key"),
    [
        ("/v2/p/instances/main/nothing", {}, "error_code"),
        ("/api/v2.0/nothing", {}, "errors"),
        ("/api/v1/nothing", {}, "title"),
        ("/", {"X-TC-Action": "Nothing"}, "Response"),
        ("/nothing", {}, "error"),
    ],
    ids=["swr", "harbor", "native", "tcr", "none"],
)
def test_an_error_has_the_form_of_its_dialect(redis, path, headers, key):
    """A client gets an error that it can read, also from a path that its API does not have."""
    assert key in create_app(settings(), redis).test_client().get(path, headers=headers).json
