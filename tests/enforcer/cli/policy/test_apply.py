from __future__ import annotations

import json

import pytest

from enforcer.errors import InvalidPolicy, PolicyConflict
from tests.fakes.configuration import REGISTRY
from tests.fakes.rules import rule, selector

TWO = """
unknown_key = "of some other part of a configuration"

[[policies]]
registry = "main"
namespace = "team"
tags = { pattern = ["v*", "r*"] }
comment = "why"

[[policies]]
registry = "main"
namespace = "ops"
repositories = { decoration = "repoExcludes", pattern = "x/**" }
tags = { decoration = "excludes", pattern = "latest" }
mode = "observe"
"""


def patterns(enforcer):
    return {(one["namespace"], one["tags"]["pattern"]) for one in enforcer.json("list")}


@pytest.fixture
def file(enforcer):
    """Writes a file beside the configuration, and returns its path."""
    return enforcer.folder.write


def test_apply_creates_and_changes(enforcer, file):
    """Policies of a file are created, or changed where they are there already; applying it again changes nothing."""
    path = file("policies.toml", TWO)
    assert enforcer.done("apply", path) == (
        "created: policy 1 of main/team: tags {v*,r*} in repositories ** (enforce)\n"
        "created: policy 2 of main/ops: tags all but latest in repositories all but x/** (observe)\n"
    )
    assert enforcer.done("apply", path) == "nothing to change\n"
    file("policies.toml", TWO.replace('"why"', '"because"').replace("observe", "enforce"))
    assert enforcer.done("apply", path) == (
        "changed: policy 1 of main/team: tags {v*,r*} in repositories ** (enforce)\n"
        "  comment: why -> because\n"
        "changed: policy 2 of main/ops: tags all but latest in repositories all but x/** (enforce)\n"
        "  mode: observe -> enforce\n"
    )


def test_a_dry_run_only_tells(enforcer, file):
    """With --dry-run the difference is shown, with exit status 0, and nothing is done."""
    enforcer.done("create", "--namespace", "lab", "--tags", "x")
    path = file("policies.toml", TWO)
    assert enforcer.done("apply", path, "--dry-run", "--prune") == (
        "would create: policy 2 of main/team: tags {v*,r*} in repositories ** (enforce)\n"
        "would create: policy 3 of main/ops: tags all but latest in repositories all but x/** (observe)\n"
        "would delete: policy 1 of main/lab: tags x in repositories ** (enforce)\n"
    )
    assert patterns(enforcer) == {("lab", "x")}


def test_json_has_the_whole_difference(enforcer, file):
    """A program gets every policy that was created, changed or deleted, with what it was before."""
    enforcer.done("create", "--namespace", "team", "--tags", "v*", "--tags", "r*")
    enforcer.done("create", "--namespace", "lab", "--tags", "x")
    before = enforcer.json("list")
    (told,) = enforcer.json("apply", file("policies.toml", TWO), "--prune")
    after = {one["id"]: one for one in enforcer.json("list")}
    assert told == {
        "created": [after[3]],
        "changed": [{"before": before[0], "after": after[1]}],
        "deleted": [before[1]],
        "dry_run": False,
    }


def test_what_is_not_mentioned_stays(enforcer, file):
    """Without --prune nothing is deleted, neither in namespaces that the file names nor elsewhere."""
    enforcer.done("create", "--namespace", "lab", "--tags", "x")
    enforcer.done("create", "--namespace", "team", "--tags", "mine")
    enforcer.done("apply", file("policies.toml", TWO))
    assert patterns(enforcer) == {("lab", "x"), ("team", "mine"), ("team", "{v*,r*}"), ("ops", "latest")}


def test_prune_leaves_what_is_declared(enforcer, file):
    """With --prune the policies are those of the file."""
    enforcer.done("create", "--namespace", "lab", "--tags", "x")
    enforcer.done("create", "--namespace", "team", "--tags", "mine")
    enforcer.done("apply", file("policies.toml", TWO), "--prune")
    assert patterns(enforcer) == {("team", "{v*,r*}"), ("ops", "latest")}


def test_prune_spares_the_configuration(enforcer, file, declared):
    """Policies that the configuration declares would come back, so another file does not delete them."""
    enforcer.done("apply", file("none.toml", "policies = []"), "--prune")
    assert patterns(enforcer) == {("library", "latest")}


def test_the_configuration_itself(enforcer, folder, declared):
    """The configuration can be applied without a start: what it declares no longer is deleted with --prune."""
    folder.load(declared.replace("latest", "edge"))
    enforcer.done("apply", folder.file, "--prune")
    assert patterns(enforcer) == {("library", "edge")}


def test_the_only_policy_of_a_namespace(enforcer, folder, file):
    """Where a namespace may have one policy, that one becomes what is declared, and keeps its id."""
    folder.load()
    enforcer.done("create", "--namespace", "team", "--tags", "mine")
    out = enforcer.done("apply", file("policies.toml", TWO))
    assert "changed: policy 1 of main/team" in out
    assert "  tags: matches mine -> matches {v*,r*}" in out


def test_whoever_changes_what_is_declared_elsewhere_is_told(enforcer, file, declared):
    """A policy of the configuration that another file changes will be changed back by the next start."""
    result = enforcer("apply", file("other.toml", declared + 'comment = "x"'))
    assert result.exit_code == 0
    assert "note: the configuration file declares policy 1" in result.stderr


def test_all_or_nothing(enforcer, file):
    """If one of the policies has no room, none is created."""
    for tags in ("a", "b"):
        enforcer.done("create", "--namespace", "ops", "--tags", tags)
    result = enforcer("apply", file("policies.toml", TWO))
    assert isinstance(result.exception, PolicyConflict)
    assert str(result.exception).startswith("main/ops would have 3 policies, of at most 2: declare fewer")
    assert patterns(enforcer) == {("ops", "a"), ("ops", "b")}


def test_standard_input(enforcer):
    """- reads what another command printed."""
    enforcer.done("apply", "-", stdin=TWO)
    assert patterns(enforcer) == {("team", "{v*,r*}"), ("ops", "latest")}


def test_rules_of_harbor(enforcer, file):
    """The rules of a Harbor project become policies of the namespace that is named; null is as good as absent."""
    rules = [
        rule("v*", "app", id=3, priority=None, disabled=True, action="immutable", template="immutable_template"),
        rule("r*", id=4, params={}) | {"tag_selectors": [selector("excludes", "r*", extras="")]},
    ]
    enforcer.done("apply", file("rules.json", json.dumps(rules)), "--namespace", "team")
    first, second = enforcer.json("list")
    assert (first["registry"], first["namespace"], first["disabled"]) == ("main", "team", True)
    assert (first["repositories"]["pattern"], first["tags"]["pattern"]) == ("app", "v*")
    assert (second["tags"], second["disabled"]) == ({"decoration": "excludes", "pattern": "r*"}, False)


def test_rules_of_swr(enforcer, file):
    """The rules of an SWR instance name their namespaces, and may have a repository's decoration for tags."""
    swr = rule("v*", id=34, namespace_id=12, namespace_name="group") | {
        "tag_selectors": [selector("repoMatches", "v*")]
    }
    path = file("rules.json", json.dumps({"immutable_rules": [swr], "total": 1}))
    enforcer.done("apply", path)
    assert patterns(enforcer) == {("group", "v*")}
    assert enforcer.done("apply", path) == "nothing to change\n"


def test_the_registry_of_rules_is_named(enforcer, folder, file):
    """Rules do not say of which registry they are: where there are several, somebody must."""
    folder.load("policies_per_namespace = 2\n" + REGISTRY + REGISTRY.replace("main", "other"))
    path = file("rules.json", json.dumps([rule()]))
    result = enforcer("apply", path, "--namespace", "team")
    assert (result.exit_code, "--registry main or other" in result.stderr) == (2, True)
    enforcer.done("apply", path, "--namespace", "team", "--registry", "other")
    assert [one["registry"] for one in enforcer.json("list")] == ["other"]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("", ["x declares no policies: it should have [[policies]] tables (or policies = [])"]),
        ("[registries.main]", ["x declares no policies"]),
        ('"text"', ["x declares no policies"]),
        ("policies = 1", ["x declares no policies"]),
        ("[[policies]", ["x: no TOML: "]),
        (b"\xff", ["x: not UTF-8 text"]),
        ("[[policies]]", ["x: policies[0].registry: is missing", "x: policies[0].namespace: is missing"]),
        ("policies = [1]", ["x: policies[0]: should be a table, got an integer"]),
        (TWO.replace("mode", "mdoe"), ["x: policies[1].mdoe: unknown key (did you mean mode?)"]),
        (TWO.replace('"v*"', '"[!v]"'), ["x: policies[0].tags.pattern: in '[!v]': unexpected '!'"]),
        (TWO.replace('"main"', '"mian"', 1), ["x: policies[0].registry: no registry is configured as 'mian' (did"]),
        (TWO.replace('"main"', "1", 1), ["x: policies[0].registry: should be a string, got an integer"]),
        (json.dumps([1]), ["x: [0]: should be a table"]),
        (json.dumps([rule("[!a]")]), ["x: [0].tag_selectors[0].pattern: unexpected '!'"]),
        (json.dumps([rule() | {"tag_selectors": []}]), ["x: [0].tag_selectors: should hold exactly one selector"]),
        (json.dumps({"immutable_rules": [rule()]}), ["x: immutable_rules[0].namespace_name: is missing"]),
        (
            json.dumps({"immutable_rules": [rule(namespace_name="A")]}),
            ["x: immutable_rules[0].namespace_name: 'A' is no namespace"],
        ),
        (json.dumps({"policies": [{"registry": "main", "namespace": "a"}]}), ["x: policies[0].tags: is missing"]),
    ],
)
def test_what_is_wrong_with_a_file(enforcer, file, content, lines):
    """Each thing that is wrong has a line with the file and the place in it, and nothing is done."""
    result = enforcer("apply", file("x", content), "--namespace", "team", "--prune")
    assert isinstance(result.exception, InvalidPolicy), result.output
    told = str(result.exception).replace(str(enforcer.folder.path) + "/", "").splitlines()
    for line, expected in zip(told, lines, strict=False):
        assert line.startswith(expected)
    assert len(told) >= len(lines)
    assert patterns(enforcer) == set()


def test_rules_without_a_namespace(enforcer, file):
    """Whoever applies rules of Harbor must say where; a namespace that is none is refused."""
    path = file("rules.json", json.dumps([rule()]))
    assert "give --namespace" in str(enforcer("apply", path).exception)
    assert "no namespace" in enforcer("apply", path, "--namespace", "A").stderr


def test_a_json_file_that_is_none(enforcer, file):
    """Of a file called .json one learns what is wrong with the JSON."""
    result = enforcer("apply", file("rules.json", "[{]"))
    assert "rules.json: no JSON: " in str(result.exception)


def test_no_file(enforcer):
    """A file that is not there is wrong usage."""
    assert enforcer("apply", "nowhere.toml").exit_code == 2
