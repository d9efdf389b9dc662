from __future__ import annotations

import tomllib
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from enforcer.configuration.policy import PolicySettings
from enforcer.policies.exported import declaration, short_declaration, to_toml
from enforcer.policies.policy import Against, Mode, Policy, Selector
from enforcer.policies.store import draft
from tests.fakes.policies import SINCE, policy, selector

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
