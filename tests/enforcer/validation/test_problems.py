from __future__ import annotations

from pathlib import Path

import pytest

from enforcer.validation.problems import Problems, dotted, suggestion


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (("listen",), "listen"),
        (("registries", "main", "url"), "registries.main.url"),
        (("policies", 0, "tags", "pattern"), "policies[0].tags.pattern"),
        (("registries", "Bad", "[key]"), "registries.Bad"),
        (("registries", "a b\n", "url"), 'registries."a b\\n".url'),
    ],
)
def test_locations_are_written_as_in_toml(at, text):
    """Keys are joined by dots, positions stand in brackets, and odd keys in quotes so that a line stays one line."""
    assert dotted(at) == text


def test_suggestions_are_for_similar_words_only():
    """A guess that is far off would be worse than none."""
    assert suggestion("pasword", ["password", "url"]) == " (did you mean password?)"
    assert suggestion("colour", ["password", "url"]) == ""


def test_a_prefix_makes_no_words_similar():
    """All variables begin alike: only what follows is compared."""
    assert suggestion("LISTE", ["LISTEN"], prefix="ENFORCER_") == " (did you mean ENFORCER_LISTEN?)"
    assert suggestion("FOO", ["LISTEN"], prefix="ENFORCER_") == ""


def test_problems_name_the_nearest_origin():
    """A value from a file within a table from a variable is blamed on the file."""
    problems = Problems(Path())
    problems.came_from(("alerts",), "ENFORCER_ALERTS")
    problems.came_from(("alerts", "urls"), "/run/urls")
    problems.reject(("alerts", "urls", 1), "is wrong")
    problems.reject(("alerts", "colour"), "is unknown")
    assert problems.problems == (
        "alerts.urls[1] (from /run/urls): is wrong",
        "alerts.colour (from ENFORCER_ALERTS): is unknown",
    )


def test_nothing_more_is_told_of_a_spoilt_location():
    """What follows from an earlier problem would only hide it."""
    problems = Problems(Path())
    problems.reject(("a",), "cannot be read")
    problems.spoil(("a",))
    problems.reject(("a", "b"), "is missing")
    problems.reject(("c",), "is missing")
    assert problems.problems == ("a: cannot be read", "c: is missing")
