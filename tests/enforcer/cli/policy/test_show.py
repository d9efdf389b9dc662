from __future__ import annotations

import pytest

from tests.fakes.configuration import REGISTRY


@pytest.fixture
def three(enforcer, folder):
    """Three policies of two registries."""
    folder.load(REGISTRY + REGISTRY.replace("main", "other"))
    enforcer.done("create", "--registry", "main", "--namespace", "team", "--tags-exclude", "latest", "--comment", "why")
    enforcer.done("create", "--registry", "main", "--namespace", "ops", "--tags", "v*", "--disabled")
    enforcer.done(
        *("create", "--registry", "other", "--namespace", "team", "--tags", "v*"),
        *("--repositories-exclude", "x/**", "--mode", "observe"),
    )


def test_list(three, enforcer):
    """People see a table, by id."""
    assert enforcer.done("list") == (
        "ID  NAMESPACE   REPOSITORIES  TAGS            STATE     COMMENT\n"
        "1   main/team   **            all but latest  enforce   why\n"
        "2   main/ops    **            v*              disabled\n"
        "3   other/team  all but x/**  v*              observe\n"
    )


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ([], [1, 2, 3]),
        (["--registry", "main"], [1, 2]),
        (["--namespace", "team"], [1, 3]),
        (["--registry", "other", "--namespace", "team"], [3]),
        (["--namespace", "nobody"], []),
    ],
)
def test_filters(three, enforcer, options, ids):
    """Policies of one registry, one namespace or both."""
    assert [one["id"] for one in enforcer.json("list", *options)] == ids


@pytest.mark.parametrize("command", ["list", "export"])
@pytest.mark.parametrize(
    ("options", "told"), [(["--registry", "mian"], "did you mean main?"), (["--namespace", "Team"], "no namespace")]
)
def test_what_cannot_be_asked_for(three, enforcer, command, options, told):
    """A misspelled filter is wrong usage: an empty list would look like an answer."""
    result = enforcer(command, *options)
    assert (result.exit_code, told in result.stderr) == (2, True)


def test_policies_of_a_registry_that_is_configured_no_longer(three, enforcer):
    """They are listed as long as they are there."""
    enforcer.folder.load(REGISTRY)
    assert [one["id"] for one in enforcer.json("list", "--registry", "other")] == [3]


def test_an_empty_list(enforcer):
    """No policies are said to be none, but not to a program."""
    result = enforcer("list")
    assert (result.stdout, result.stderr, result.exit_code) == ("", "no policies\n", 0)
    assert enforcer.json("list") == []


def test_show(three, enforcer):
    """All of a policy is shown, a field a line."""
    lines = enforcer.done("show", 3).splitlines()
    assert "namespace        team" in lines
    assert "repositories     repoExcludes x/**" in lines
    assert "protect          overwrite, delete" in lines
    assert "bypass_actors    none" in lines
    assert "declared in      the store" in lines


def test_show_as_json(three, enforcer):
    """A program gets what the list has."""
    assert enforcer.json("show", 2) == [enforcer.json("list")[1]]


def test_show_where_it_comes_from(declared, enforcer):
    """Who looks at a policy of the configuration sees that it is one."""
    assert "declared in      the configuration" in enforcer.done("show", 1)
