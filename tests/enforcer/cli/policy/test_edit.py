from __future__ import annotations

import pytest

from enforcer.errors import NotFound, PolicyConflict
from enforcer.store.audit import Audit
from tests.fakes.configuration import REGISTRY

EVERYTHING = [
    *("--repositories-exclude", "app", "--repositories-exclude", "tools/**"),
    *("--tags-exclude", "latest"),
    *("--mode", "observe", "--protect", "delete", "--signature-tags", "--settle", "0"),
    *("--bypass-actor", "robot", "--bypass-actor", "ci", "--priority", "-3", "--comment", "why", "--disabled"),
]


def test_create_with_everything(enforcer):
    """Every field of a policy has an option; patterns that are given several times become one."""
    (created,) = enforcer.json("create", "--namespace", "team", *EVERYTHING)
    since = created.pop("effective_since")
    assert since.endswith("Z")
    assert created == {
        "id": 1,
        "registry": "main",
        "namespace": "team",
        "repositories": {"decoration": "repoExcludes", "pattern": "{app,tools/**}"},
        "tags": {"decoration": "excludes", "pattern": "latest"},
        "disabled": True,
        "priority": -3,
        "mode": "observe",
        "protect": ["delete"],
        "signature_tags": True,
        "settle": 0,
        "bypass_actors": ["ci", "robot"],
        "comment": "why",
        "origin": "",
        "revision": 1,
    }


def test_create_says_what_was_made(enforcer):
    """People read one line that says which policy it is and what it protects."""
    out = enforcer.done("create", "--namespace", "_", "--tags", "v*")
    assert out == "created: policy 1 of main/_: tags v* in repositories ** (enforce)\n"


def test_the_audit_names_who_was_at_the_terminal(enforcer, redis):
    """Changes made here are told from those made by accounts."""
    enforcer.done("create", "--namespace", "team", "--tags", "v*")
    enforcer.done("update", 1, "--comment", "why")
    enforcer.done("delete", 1)
    assert [entry.by for entry in Audit(redis).newest()] == ["cli:joan"] * 3


def test_a_user_without_a_name(enforcer, redis, monkeypatch):
    """In a container that runs as a mere number, that is who it was."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    enforcer.done("create", "--namespace", "team", "--tags", "v*")
    (entry,) = Audit(redis).newest()
    assert entry.by == "cli:4711"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--tags", "v*"], "Missing option '--namespace'"),
        (["create", "--namespace", "team"], "say which tags are meant: --tags or --tags-exclude"),
        (["create", "--namespace", "a", "--tags", "x", "--tags-exclude", "y"], "cannot be given together"),
        (
            ["create", "--namespace", "a", "--tags", "x", "--repositories", "y", "--repositories-exclude", "z"],
            "--repositories and --repositories-exclude cannot be given together",
        ),
        (["create", "--namespace", "a", "--tags", "x", "--mode", "off"], "'off' is not one of"),
        (["create", "--registry", "mian", "--namespace", "a", "--tags", "x"], "'mian' (did you mean main?)"),
        (["update", "1"], "say what is to be changed"),
        (["update", "1", "--bypass-actor", "a", "--no-bypass-actors"], "cannot be given together"),
        (["update", "x", "--comment", "y"], "'x' is not a valid integer"),
        (["enable"], "Missing argument 'ID...'"),
        (["delete"], "Missing argument 'ID...'"),
    ],
)
def test_wrong_usage(enforcer, arguments, message):
    """A command that cannot be carried out says what it lacks, with exit status 2."""
    result = enforcer(*arguments)
    assert message in " ".join(result.stderr.split())
    assert result.exit_code == 2


def test_one_of_several_registries_must_be_named(enforcer, folder):
    """Where there are several registries, none is guessed."""
    folder.load(REGISTRY + REGISTRY.replace("main", "other"))
    assert "--registry main or other" in enforcer("create", "--namespace", "a", "--tags", "x").stderr
    (created,) = enforcer.json("create", "--registry", "other", "--namespace", "a", "--tags", "x")
    assert created["registry"] == "other"


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["create", "--namespace", "team", "--tags", "v*"], PolicyConflict, "policy 1 of team already says the same"),
        (["update", "9", "--comment", "x"], NotFound, "there is no policy 9"),
        (["enable", "9"], NotFound, "there is no policy 9"),
        (["delete", "9"], NotFound, "there is no policy 9"),
        (["show", "9"], NotFound, "there is no policy 9"),
    ],
)
def test_what_is_refused(enforcer, arguments, error, message):
    """What there is no place for, or is not there, is said, and changes nothing."""
    enforcer.done("create", "--namespace", "team", "--tags", "v*")
    result = enforcer(*arguments)
    assert isinstance(result.exception, error)
    assert str(result.exception).startswith(message)
    assert [one["revision"] for one in enforcer.json("list")] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--namespace", "A", "--tags", "v*"], "namespace: 'A' is no namespace"),
        (["create", "--namespace", "a", "--tags", "[!a]"], "tags.pattern: in '[!a]': unexpected '!'"),
        (["create", "--namespace", "a", "--tags", "v", "--settle", "-1"], "settle: should be greater"),
        (["update", "1", "--tags", "{a"], "tags.pattern: in '{a': unclosed '{'"),
    ],
)
def test_what_no_policy_can_say(enforcer, arguments, message):
    """What cannot be accepted is wrong usage, said with the field that is wrong, and changes nothing."""
    enforcer.done("create", "--namespace", "team", "--tags", "v*")
    result = enforcer(*arguments)
    assert (result.exit_code, f"Error: {message}" in result.stderr) == (2, True)
    assert [one["revision"] for one in enforcer.json("list")] == [1]


def test_all_that_is_wrong_is_told_at_once(enforcer):
    """Each thing that is wrong has a line."""
    result = enforcer("create", "--namespace", "A", "--tags", "", "--settle", "-1")
    told = result.stderr.partition("Error: ")[2].splitlines()
    assert [line.partition(":")[0] for line in told] == ["namespace", "tags.pattern", "settle"]


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        (["--tags", "r*"], "tags", {"decoration": "matches", "pattern": "r*"}),
        (["--tags-exclude", "a", "--tags-exclude", "b"], "tags", {"decoration": "excludes", "pattern": "{a,b}"}),
        (["--repositories", "app"], "repositories", {"decoration": "repoMatches", "pattern": "app"}),
        (["--mode", "enforce"], "mode", "enforce"),
        (["--protect", "overwrite", "--protect", "delete"], "protect", ["delete", "overwrite"]),
        (["--no-signature-tags"], "signature_tags", False),
        (["--settle", "7"], "settle", 7),
        (["--bypass-actor", "bob"], "bypass_actors", ["bob"]),
        (["--no-bypass-actors"], "bypass_actors", []),
        (["--priority", "0"], "priority", 0),
        (["--comment", ""], "comment", ""),
        (["--enabled"], "disabled", False),
    ],
)
def test_update_one_field(enforcer, options, field, value):
    """What is given is changed, all else stays."""
    (before,) = enforcer.json("create", "--namespace", "team", *EVERYTHING)
    (after,) = enforcer.json("update", 1, *options)
    assert after == before | {field: value, "revision": 2, "effective_since": after["effective_since"]}


def test_what_was_changed_is_told(enforcer):
    """People are told each field that is not as it was; nothing where all of it was so already."""
    enforcer.done("create", "--namespace", "team", "--tags", "v*")
    change = ("update", 1, "--bypass-actor", "robot", "--mode", "observe")
    now = "now: policy 1 of main/team: tags v* in repositories ** (observe)\n"
    assert enforcer.done(*change) == now + "  mode: enforce -> observe\n  bypass_actors: none -> robot\n"
    assert enforcer.done(*change) == now


def test_switching(enforcer):
    """Several policies are switched on and off by their ids."""
    for tags in ("a*", "b*"):
        enforcer.done("create", "--namespace", "team", "--tags", tags)
    assert [one["disabled"] for one in enforcer.json("disable", 1, 2)] == [True, True]
    out = enforcer.done("enable", 2)
    assert out == "now: policy 2 of main/team: tags b* in repositories ** (enforce)\n  disabled: yes -> no\n"
    assert [one["disabled"] for one in enforcer.json("list")] == [True, False]


def test_delete(enforcer):
    """What was deleted is said once more."""
    enforcer.done("create", "--namespace", "team", "--tags", "a*")
    out = enforcer.done("delete", 1)
    assert out == "deleted: policy 1 of main/team: tags a* in repositories ** (enforce)\n"
    assert enforcer.json("list") == []


def test_the_configuration_has_the_last_word(enforcer, declared):
    """Who changes a policy that the configuration declares is told that the next start undoes it."""
    for arguments in (["update", 1, "--comment", "x"], ["disable", 1], ["delete", 1]):
        result = enforcer(*arguments)
        assert result.exit_code == 0
        assert "note: the configuration file declares policy 1" in result.stderr
