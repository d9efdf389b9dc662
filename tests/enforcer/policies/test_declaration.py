from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enforcer.policies.declaration import PolicySettings, declaration, draft, short_declaration, to_toml
from enforcer.policies.policy import Against, Mode, Policy, Selector
from tests.fakes.configuration import REGISTRY
from tests.fakes.policies import SINCE, policy, selector

POLICY = """
[[policies]]
registry = "main"
namespace = "library"
"""
TAGS = 'tags = { decoration = "excludes", pattern = "latest" }\n'


def test_a_policy_needs_its_place_and_its_tags(folder):
    """It protects all repositories of the namespace, against both, and enforces."""
    (policy,) = folder.load(POLICY + TAGS).policies
    assert policy.model_dump(mode="json") == {
        "registry": "main",
        "namespace": "library",
        "repositories": {"decoration": "repoMatches", "pattern": "**"},
        "tags": {"decoration": "excludes", "pattern": "latest"},
        "disabled": False,
        "priority": 0,
        "mode": "enforce",
        "protect": ["overwrite", "delete"],
        "signature_tags": False,
        "settle": 0,
        "bypass_actors": [],
        "comment": "",
    }


def test_every_key_of_a_policy_is_read(folder):
    """Nothing that is declared gets lost."""
    text = """
        repositories = { decoration = "repoExcludes", pattern = "scratch/**" }
        tags = { pattern = "v*" }
        disabled = true
        priority = 3
        mode = "observe"
        protect = ["delete"]
        signature_tags = true
        settle = 0
        bypass_actors = ["release-bot"]
        comment = "releases never move"
        """
    (policy,) = folder.load(POLICY + text).policies
    assert policy.repositories.decoration == "repoExcludes"
    assert (policy.tags.decoration, policy.tags.pattern) == ("matches", "v*")
    assert (policy.disabled, policy.priority, policy.mode, policy.protect) == (True, 3, "observe", ("delete",))
    assert (policy.signature_tags, policy.settle, policy.bypass_actors) == (True, 0, ("release-bot",))
    assert policy.comment == "releases never move"


def test_the_order_of_protect_does_not_matter(folder):
    """Equal policies are equal however they are written."""
    (policy,) = folder.load(POLICY + TAGS + 'protect = ["delete", "overwrite", "delete"]\n').policies
    assert policy.protect == ("overwrite", "delete")


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ('" v{1, 2} "', " v{1, 2} "),
        ('["v*"]', "v*"),
        ('["v*", "{a,b}", "latest"]', "{v*,{a,b},latest}"),
    ],
)
def test_a_list_of_patterns_is_one_with_braces(written, pattern, folder):
    """A single pattern stays as it was written."""
    (policy,) = folder.load(f"{POLICY}tags = {{ pattern = {written} }}\n").policies
    assert policy.tags.pattern == pattern


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('"{a"', "unclosed '{'"),
        ('["v*", "{a"]', "in '{a': unclosed '{'"),
        ("[]", "is empty; a pattern for everything is **"),
        ("3", "should be a string, got an integer"),
        ("[3]", "should be a string, got a list"),
    ],
)
def test_a_bad_pattern_is_refused_by_its_key(written, problem, folder):
    """At the start, not when the first tag is compared."""
    assert folder.problems(f"{POLICY}tags = {{ pattern = {written} }}\n") == (f"policies[0].tags.pattern: {problem}",)


def test_an_option_cannot_end_the_braces_of_all(folder):
    """Joined as they stand, `a}` and `{b` would be a pattern that nobody wrote."""
    (problem,) = folder.problems(POLICY + 'tags = { pattern = ["a}", "{b"] }\n')
    assert problem.startswith("policies[0].tags.pattern: in 'a}': ")


def test_an_option_is_one_option(folder):
    """A comma belongs into braces."""
    (problem,) = folder.problems(POLICY + 'tags = { pattern = ["a,b", "c"] }\n')
    assert problem.startswith("policies[0].tags.pattern: in 'a,b': ")


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("protect = []", "protect: is empty: name 'overwrite', 'delete' or both; "),
        ('protect = ["push"]', "protect[0]: should be 'overwrite' or 'delete', got 'push'"),
        ('mode = "warn"', "mode: should be 'enforce' or 'observe', got 'warn'"),
        ("settle = -1", "settle: should be greater than or equal to 0, got -1"),
        ("settle = 86401", "settle: should be less than or equal to 86400, got 86401"),
        ("settle = 1.5", "settle: should be an integer, got a number"),
        ("settle = 00:02:00", "settle: should be an integer, got a date or time"),
        ('disabled = "false"', "disabled: should be true or false, got a string"),
        ("disabled = 0", "disabled: should be true or false, got an integer"),
        ("priority = true", "priority: should be an integer, got a boolean"),
        ('bypass_actors = [""]', "bypass_actors[0]: is empty"),
        ('repositories = "**"', "repositories: should be a table, got a string"),
        (
            'repositories = { decoration = "matches" }',
            "repositories.decoration: should be 'repoMatches' or 'repoExclud",
        ),
        ('repositories = { patern = "**" }', "repositories.patern: unknown key (did you mean pattern?)"),
        ("comment = {}", "comment: should be a string, got a table"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(lines, problem, folder):
    """The line says what was expected and what was given."""
    (told,) = folder.problems(f"{POLICY}{TAGS}{lines}\n")
    assert told.startswith(f"policies[0].{problem}")


def test_a_policy_without_tags_is_refused(folder):
    """What is to be immutable has no default."""
    assert folder.problems(POLICY) == ("policies[0].tags: is missing",)


def test_a_policy_is_of_a_registry_that_is_configured(folder):
    """Else it would protect nothing."""
    assert folder.problems(POLICY.replace("main", "mian") + TAGS) == (
        "policies[0].registry: no registry is configured as 'mian' (did you mean main?)",
    )


def test_a_namespace_has_as_many_policies_as_it_may(folder):
    """The default is one, and every policy beyond the limit is named."""
    three = (POLICY + TAGS) * 3
    assert folder.problems(three) == (
        "policies[1]: one more than policies_per_namespace (1) allows in library of main",
        "policies[2]: one more than policies_per_namespace (1) allows in library of main",
    )
    assert len(folder.load("policies_per_namespace = 3\n" + three).policies) == 3


def test_the_limit_is_for_each_namespace_of_each_registry(folder):
    """Namespaces of two registries have nothing to do with each other."""
    other = POLICY.replace("library", "team") + TAGS
    second = POLICY.replace("main", "second") + TAGS
    registries = REGISTRY + REGISTRY.replace("main]", "second]")
    assert len(folder.load(registries + POLICY + TAGS + other + second).policies) == 3


def test_policies_are_checked_together_even_if_one_is_wrong(folder):
    """One start tells everything: a bad limit, a bad registry and a bad policy hide no other."""
    text = "policies_per_namespace = 0\n" + REGISTRY.replace("http:", "ftp:") + POLICY + POLICY.replace("main", "x")
    keys = {problem.split(":")[0] for problem in folder.problems(text)}
    assert keys >= {
        "policies_per_namespace",
        "registries.main.url",
        "policies[0].tags",
        "policies[1].registry",
        "policies[1].tags",
    }


@pytest.mark.parametrize("policies", ["policies = 3\n", "policies = [3]\n", "policies = [{ registry = 3 }]\n"])
def test_policies_of_any_shape_are_refused_not_tripped_over(policies, folder):
    """The checks of all together take the table as it was written."""
    assert all(problem.startswith("policies") for problem in folder.problems(policies))


# Without surrogates, which no text of ours can have: TOML and JSON refuse them.
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


_PATTERNS = st.sampled_from(["**", "v*", " {a, b} ", "[^a-c]?", "{a,\tb\n}"])


POLICIES = st.builds(
    policy,
    st.integers(1, 9),
    tags=_PATTERNS,
    repositories=_PATTERNS,
    disabled=st.booleans(),
    priority=st.integers(-(2**31), 2**31 - 1),
    mode=st.sampled_from(Mode),
    protect=st.frozensets(st.sampled_from(Against), min_size=1),
    signature_tags=st.booleans(),
    settle=st.integers(0, 86_400),
    bypass_actors=st.frozensets(_TEXT.filter(bool), max_size=3),
    comment=_TEXT,
)


def declared_again(table) -> Policy:
    return replace(draft(PolicySettings.model_validate(table)), id=1, effective_since=SINCE)


@given(st.lists(POLICIES, max_size=3))
def test_exported_policies_declare_the_same(policies):
    """What is written as TOML reads as the same policies, whatever is in their texts."""
    tables = tomllib.loads(to_toml(policies))["policies"]
    assert list(map(declared_again, tables)) == [replace(one, id=1) for one in policies]


@given(POLICIES)
def test_short_and_long_declare_the_same(one):
    """What a short declaration leaves out is so by default."""
    assert declared_again(short_declaration(one)) == declared_again(declaration(one))


def test_toml_is_made_for_people():
    """A table has what matters, on as few lines as that takes."""
    assert to_toml([policy(3, comment='the "why"\x7f'), policy(4, tags="a", disabled=True, namespace="ops")]) == (
        "[[policies]]\n"
        'registry = "main"\n'
        'namespace = "team"\n'
        'repositories = { decoration = "repoMatches", pattern = "**" }\n'
        'tags = { decoration = "matches", pattern = "v*" }\n'
        'comment = "the \\"why\\"\\u007f"\n'
        "\n"
        "[[policies]]\n"
        'registry = "main"\n'
        'namespace = "ops"\n'
        'repositories = { decoration = "repoMatches", pattern = "**" }\n'
        'tags = { decoration = "matches", pattern = "a" }\n'
        "disabled = true\n"
    )


def test_no_policies_are_an_empty_list():
    """An empty store is told from a file in which the policies were forgotten."""
    assert tomllib.loads(to_toml([])) == {"policies": []}


def test_decorations_are_those_that_can_be_declared():
    """What SWR's clients write for tags becomes our own word, and what only they know is left out."""
    one = policy(3, repositories="app", tags="v*")
    swr = replace(one, tags=Selector("repoExcludes", one.tags.pattern, "extra"), action="")
    assert declaration(swr)["tags"] == {"decoration": "excludes", "pattern": "v*"}
    assert declaration(replace(one, repositories=selector("repoExcludes", "app")))["repositories"] == {
        "decoration": "repoExcludes",
        "pattern": "app",
    }
