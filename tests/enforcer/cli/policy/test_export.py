from __future__ import annotations

import json

import pytest

from tests.fakes.configuration import REGISTRY


@pytest.fixture
def three(enforcer, folder):
    """Three policies of two registries."""
    folder.load(REGISTRY + REGISTRY.replace("main", "other"))
    for registry, namespace in (("main", "team"), ("main", "ops"), ("other", "team")):
        enforcer.done(
            *("create", "--registry", registry, "--namespace", namespace, "--tags-exclude", "latest"),
            *("--comment", 'the "why"', "--bypass-actor", "ci", "--protect", "delete"),
        )


def content(enforcer):
    """All policies, without what another store gives anew."""
    return [
        {name: value for name, value in one.items() if name not in ("id", "effective_since", "revision")}
        for one in enforcer.json("list")
    ]


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_is_exported_can_be_applied(three, enforcer, form):
    """Applied where it came from it changes nothing; applied elsewhere it makes the same policies."""
    exported, before = enforcer.done("export", *form), content(enforcer)
    assert enforcer.done("apply", "-", "--prune", stdin=exported) == "nothing to change\n"
    enforcer.done("apply", "-", "--prune", stdin="policies = []")
    assert content(enforcer) == []
    enforcer.done("apply", "-", stdin=exported)
    assert content(enforcer) == before


def test_export_as_part_of_a_configuration(three, enforcer, folder):
    """What is printed can be put at the end of enforcer.toml."""
    tables = enforcer.done("export", "--registry", "main")
    assert tables.startswith("[[policies]]\n")
    assert len(folder.load(REGISTRY + tables).policies) == 2


@pytest.mark.parametrize(
    ("options", "places"),
    [
        (["--registry", "other"], [("other", "team")]),
        (["--namespace", "team"], [("main", "team"), ("other", "team")]),
        (["--registry", "main", "--namespace", "ops"], [("main", "ops")]),
    ],
)
def test_filters(three, enforcer, options, places):
    """Only policies of one registry, one namespace or both."""
    found = json.loads(enforcer.done("export", "--json", *options))["policies"]
    assert [(one["registry"], one["namespace"]) for one in found] == places


def test_no_policies(enforcer):
    """What an empty store exports, applied elsewhere, leaves nothing there."""
    assert enforcer.done("export") == "policies = []\n"
