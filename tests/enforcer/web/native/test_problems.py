from __future__ import annotations

import logging

import pytest

from enforcer import errors
from enforcer.web.native.problems import answer_error
from tests.fakes.native import problem


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidName("no name"), 400),
        (errors.InvalidPattern("no pattern"), 400),
        (errors.InvalidPolicy("no policy"), 400),
        (errors.NotFound("not there", "tag"), 404),
        (errors.PolicyConflict("no room"), 409),
        (errors.StalePolicy("stale", 7), 412),
        (errors.StoreUnavailable("away"), 503),
    ],
)
def test_what_an_error_says_is_told(error, status):
    """Errors of ours have a status and keep their text; one that passes says when to come again."""
    answer = answer_error(error)
    found = problem(answer, status)
    assert found["detail"] == str(error)
    assert found.get("revision") == (7 if status == 412 else None)
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_what_nobody_foresaw_is_not_told(caplog):
    """An error that no request should bring about is told to the log alone."""
    caplog.set_level(logging.ERROR)
    found = problem(answer_error(errors.RegistryDenied("the password is wrong")), 500)
    assert "password" not in found["detail"]
    assert "RegistryDenied: the password is wrong" in caplog.text
