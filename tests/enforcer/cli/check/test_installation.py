from __future__ import annotations

import json
import random

import pytest
from click.testing import CliRunner

from enforcer.cli.check.command import check
from enforcer.cli.check.installation import check_file, check_installation
from enforcer.cli.check.result import Level
from enforcer.manifests import OCI_MANIFEST, Manifest
from enforcer.names import Digest
from enforcer.settings.settings import load
from enforcer.store.ledger import Ledger
from enforcer.store.policies import PolicyStore
from tests.fakes.configuration import ConfigurationFolder
from tests.fakes.events import APP, MAIN
from tests.fakes.registry import FakeRegistry

POLICY = """
[[policies]]
registry = "main"
namespace = "library"
tags = { pattern = "v*" }
"""


@pytest.fixture
def registry():
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def folder(tmp_path):
    """A directory whose configuration nobody else may read."""
    folder = ConfigurationFolder(tmp_path)
    folder.file.touch(mode=0o600)
    return folder


@pytest.fixture(autouse=True)
def _database(database):
    """A Redis that runs, so that none is started."""


def settings_of(registry, tables: str = "", *, first: str = "", more: str = "") -> str:
    """A configuration: keys of the top level, the registry with more keys, and further tables."""
    return f"""
        {first}
        [registries.main]
        url = "{registry.url}"
        notification_token = "a-token-that-is-long-enough"
        {more}
        {tables}
    """


def findings_of(folder, text: str):
    folder.file.write_text(text)
    return list(check_installation(folder.file, {}))


def lines(findings, subject: str):
    return [(finding.level, finding.text) for finding in findings if finding.subject == subject]


def tried(registry):
    return sorted(target for method, target in registry.requests if method == "PUT")


def test_problems_of_the_settings_are_all_that_is_said(folder):
    """A bad pattern and an unknown key are both told, each in a line that names it, and nothing else is looked at."""
    findings = findings_of(
        folder,
        """
        data_dri = "data"
        [registries.main]
        url = "http://127.0.0.1:1"
        notification_token = "a-token-that-is-long-enough"
        [[policies]]
        registry = "main"
        namespace = "library"
        tags = { pattern = "{v*" }
        """,
    )
    assert {(finding.level, finding.subject) for finding in findings} == {(Level.FAILED, "settings")}
    assert sorted(finding.text for finding in findings) == [
        "data_dri: unknown key (did you mean data_dir?)",
        "policies[0].tags.pattern: unclosed '{'",
    ]


def test_missing_file(tmp_path):
    """Without a configuration that is the finding."""
    (finding,) = check_installation(tmp_path / "none.toml", {})
    assert finding.level is Level.FAILED
    assert "cannot be read" in finding.text


def test_sound_installation(folder, registry):
    """With a policy and an alert channel, nothing but the double of Redis has anything to say."""
    findings = findings_of(folder, settings_of(registry, '[alerts]\nurls = ["json://127.0.0.1"]\n' + POLICY))
    assert lines(findings, "settings") == [(Level.OK, f"{folder.file} is valid")]
    assert lines(findings, "policies") == [(Level.OK, "1 in force")]
    assert lines(findings, "registry main") == [
        (Level.OK, f"{registry.url} answers anybody and takes pushes to library")
    ]
    assert lines(findings, "alerts") == [(Level.OK, "1 channel")]
    assert [finding.subject for finding in findings if finding.level is not Level.OK] == ["redis"]


@pytest.mark.parametrize(
    ("more", "login", "levels"),
    [("", False, [Level.WARNING]), ("disabled = true", False, []), ("", True, [])],
)
def test_bypass_actors_that_do_not_count(folder, more, login, levels):
    """Where a client can call itself anything, that is told; not where the policy is off."""
    account = ("enforcer", "swordfish")
    with FakeRegistry(basic=account if login else None) as registry:
        names = 'username = "enforcer"\npassword = "swordfish"' if login else ""
        text = settings_of(registry, f'{POLICY}bypass_actors = ["robot"]\n{more}', more=names)
        found = lines(findings_of(folder, text), "registry main")
    assert [level for level, line in found if "the bypass_actors of library count for nothing" in line] == levels
    assert Level.FAILED not in dict(found)


def test_nothing_protected_and_nobody_told(folder, registry):
    """No policy and no channel are warnings; whether a push is allowed is then asked for a repository of its own."""
    findings = findings_of(folder, settings_of(registry))
    ((policies, _),) = lines(findings, "policies")
    ((alerts, _),) = lines(findings, "alerts")
    assert (policies, alerts) == (Level.WARNING, Level.WARNING)
    assert tried(registry) == ["/v2/tag-enforcer-check/manifests/tag-enforcer-check"]


def test_disabled_policies_protect_nothing(folder, registry):
    """A policy that is switched off counts as none."""
    findings = findings_of(folder, settings_of(registry, POLICY + "disabled = true"))
    ((level, _),) = lines(findings, "policies")
    assert level is Level.WARNING


def test_settling_is_named(folder, registry):
    """A policy that lets new tags settle trades safety: whoever reads on may not need it any more."""
    findings = findings_of(folder, settings_of(registry, POLICY + "settle = 60"))
    ((_, _), (level, text)) = lines(findings, "policies")
    assert level is Level.WARNING
    assert "main/library lets new tags settle for 60 s" in text


def test_namespaces_of_policies_and_settings(folder, registry):
    """Push rights are asked for once in each namespace that a policy or the registry's table names."""
    findings_of(folder, settings_of(registry, POLICY, more='namespaces = ["team", "library"]'))
    assert tried(registry) == [
        "/v2/library/tag-enforcer-check/manifests/tag-enforcer-check",
        "/v2/team/tag-enforcer-check/manifests/tag-enforcer-check",
    ]


def test_observed_namespaces_need_no_push_right(folder, registry):
    """Nothing is restored where policies only observe, even if the registry's table names the namespace."""
    findings_of(folder, settings_of(registry, POLICY + 'mode = "observe"', more='namespaces = ["library"]'))
    assert tried(registry) == []


def test_policies_of_another_registry(folder, registry):
    """Each registry is asked about the namespaces of its own policies only."""
    with FakeRegistry() as other:
        table = f'[registries.other]\nurl = "{other.url}"\nnotification_token = "another-token-that-is-long"\n'
        findings_of(folder, settings_of(registry, table + POLICY))
        assert tried(other) == ["/v2/tag-enforcer-check/manifests/tag-enforcer-check"]
    assert tried(registry) == ["/v2/library/tag-enforcer-check/manifests/tag-enforcer-check"]


def test_stored_policies_count(folder, registry, redis):
    """A policy that was made by API is checked like one of the file; those that the file left behind are not."""
    folder.file.write_text(settings_of(registry, POLICY))
    declared = PolicyStore(redis)
    declared.apply_settings(load(folder.file, {}).policies)
    (policy,) = declared.current()
    PolicyStore(redis).create(policy.from_dict(policy.as_dict() | {"namespace": "made", "origin": ""}), "somebody")

    findings = findings_of(folder, settings_of(registry))

    assert lines(findings, "policies") == [(Level.OK, "1 in force")]
    assert tried(registry) == ["/v2/made/tag-enforcer-check/manifests/tag-enforcer-check"]


def test_budgets(folder, registry, redis):
    """It is said how much of each budget in bytes is used, and warned where little is left."""
    little = settings_of(registry, first="kept_bytes = 1048576")
    assert budgets(folder, little)[0] == (Level.OK, "kept manifests of main take 0.0 of 1.0 MiB (kept_bytes)")
    content = random.Random(0).randbytes(800_000)
    Ledger(redis).keep(MAIN, APP, Manifest.checked(content, OCI_MANIFEST, Digest.of(content)))
    kept, archive = budgets(folder, little)
    assert kept[0] is Level.WARNING
    assert "0.8 of 1.0 MiB (kept_bytes): beyond it new ones are not kept" in kept[1]
    assert archive == (Level.OK, "the archive takes 0.0 of 256.0 MiB (archive_bytes)")


def budgets(folder, text: str):
    return lines(findings_of(folder, text), "budgets")


def test_redis_that_is_away(folder, registry, monkeypatch):
    """Redis away has failed, without its password, and the registries are checked all the same."""
    monkeypatch.undo()
    redis_url = 'redis_url = "redis://:swordfish@127.0.0.1:1"'
    findings = findings_of(folder, settings_of(registry, POLICY, first=redis_url))
    ((level, text),) = lines(findings, "redis")
    assert level is Level.FAILED
    assert "127.0.0.1:1 does not answer" in text
    assert "swordfish" not in text
    assert lines(findings, "registry main") != []


def test_data_dir_that_cannot_be_made(folder, registry):
    """An embedded server that has no place for its files is not started."""
    folder.write("file", "")
    findings = findings_of(folder, settings_of(registry, first='data_dir = "file/data"'))
    ((level, text),) = lines(findings, "data_dir")
    assert level is Level.FAILED
    assert "is no directory" in text
    assert lines(findings, "redis") == []


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('[registries.main]\nnotification_token = "secret"', Level.WARNING),
        ('[registries.main]\nnotification_token_file = "secret"', Level.OK),
        ('[alerts]\nurls = ["slack://token"]', Level.WARNING),
        ('[accounts.ops]\ntoken = "secret"', Level.WARNING),
        ('redis_url = "redis://:secret@redis"', Level.WARNING),
        ('redis_url = "redis://redis"', Level.OK),
        ('redis_url = "embedded"', Level.OK),
    ],
)
def test_file_that_everybody_can_read(folder, text, level):
    """A file that holds secrets is to be read by few; one that only names their files may be read by all."""
    folder.file.write_text(text)
    folder.file.chmod(0o644)
    assert check_file(folder.file).level is level
    folder.file.chmod(0o640)
    assert check_file(folder.file).level is Level.OK


def test_command_without_failures(folder, registry):
    """Warnings alone are exit status 0; one line a finding, its level first."""
    folder.file.write_text(settings_of(registry))
    result = CliRunner().invoke(check, ["--config", str(folder.file)])
    assert result.exit_code == 0
    assert f"ok       registry main: {registry.url} answers anybody" in result.stdout
    assert "\nwarning  policies: there are none" in result.stdout


def test_command_with_a_failure(folder, registry):
    """One failure is exit status 1; with --json each line is an object."""
    registry.stop()
    folder.file.write_text(settings_of(registry))
    result = CliRunner().invoke(check, ["--config", str(folder.file), "--json"])
    assert result.exit_code == 1
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [finding["subject"] for finding in found if finding["level"] == "failed"] == ["registry main"]
    assert all(set(finding) == {"level", "subject", "text"} for finding in found)
