"""The documentation says what the code does: every setting, command and route is in it."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from enforcer.errors import EnforcerError
from enforcer.policies.declaration import PolicySettings, RepositorySelectorSettings, TagSelectorSettings
from enforcer.settings.account import AccountSettings
from enforcer.settings.alert import AlertSettings
from enforcer.settings.registry import RegistrySettings
from enforcer.settings.settings import Settings
from enforcer.store.policies import PolicyStore
from tests.fakes.command_lines import COMMANDS, PROGRAMS, files_of, ours, parsed
from tests.fakes.configuration import ConfigurationFolder

ROOT = Path(__file__).parents[1]
DOCS = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
POLICIES = (ROOT / "docs" / "policies.md").read_text()
TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
LIBRARY = """
[[policies]]
registry = "main"
namespace = "library"
tags = { decoration = "excludes", pattern = "latest" }
"""
TABLES = [
    Settings,
    RegistrySettings,
    AccountSettings,
    AlertSettings,
    PolicySettings,
    RepositorySelectorSettings,
    TagSelectorSettings,
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
def test_every_key_is_documented_in_its_own_words(table):
    """docs/configuration.md has a row for each key, with the description that the code has."""
    for name, field in table.model_fields.items():
        assert re.search(rf"^\| `{name}` \|.*{re.escape(field.description)}", CONFIGURATION, re.MULTILINE), name


def shown(text: str) -> list[tuple[str, str]]:
    """Each command line behind a prompt, and what it prints: the lines below it, to the next prompt or the end."""
    found = []
    for block in re.findall(r"(?:^(?: {4}.*)?\n)+", text, re.MULTILINE):
        for part in re.split(r"^\$ ", textwrap.dedent(block), flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found.append((line, output.rstrip("\n")))
    return found


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_shown_at_work(path):
    """README or a page of docs shows each command behind a prompt, with what it prints."""
    outputs = [
        output for line, output in shown(DOCS) for words in ours(line) if words[: len(path.split())] == path.split()
    ]
    assert any(outputs)


def test_shown_commands_are_right_usage(tmp_path, monkeypatch):
    """Each command line of README and docs, with a prompt or without, is taken by the command that it calls."""
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^ {4}(?:\$ )?(.*)$", DOCS, re.MULTILINE)
    commands = [words for line in lines for words in ours(line)]
    assert len(commands) > len(COMMANDS)
    for words in commands:
        for name in files_of(words):
            (tmp_path / name).touch()
        parsed(words)


def test_patterns_match_as_shown():
    """What the documentation shows of `enforcer policy match` is what it prints."""
    lines = [(line, output) for line, output in shown(POLICIES) if "policy match" in line]
    assert len(lines) == 3
    for line, output in lines:
        (words,) = ours(line)
        given = shlex.split(line)[1] if line.startswith("echo ") else None
        assert CliRunner().invoke(PROGRAMS[words[0]], words[1:], input=given).output == f"{output}\n"


def test_policies_change_as_shown(database, tmp_path, monkeypatch):
    """The session with `enforcer policy` that the documentation shows has these outputs, times aside."""
    folder = ConfigurationFolder(tmp_path)
    PolicyStore(database).apply_settings(folder.load(LIBRARY).policies)
    monkeypatch.setenv("ENFORCER_CONFIG", str(folder.file))
    monkeypatch.chdir(folder.path)
    (declared,) = re.findall(r"^With this in `policies.toml`\n\n```toml\n(.*?)```", POLICIES, re.MULTILINE | re.DOTALL)
    folder.write("policies.toml", declared)
    session = POLICIES.partition("Then made, changed")[2].partition("Each of them takes")[0]
    assert len(shown(session)) == 11
    for line, output in shown(session):
        (words,) = ours(line)
        result = CliRunner().invoke(PROGRAMS["enforcer"], words[1:])
        printed = f"enforcer: {result.exception}" if isinstance(result.exception, EnforcerError) else result.output
        assert TIME.sub("T", printed.rstrip("\n")) == TIME.sub("T", output), line


def test_pages_name_no_place_of_the_machine_they_were_written_on():
    """Outputs that were copied from a terminal show no directory of it."""
    assert re.findall(r"(?<![\w.])/(?:tmp|work|home|root)/\S*", DOCS) == []


def test_links_lead_somewhere():
    """Each relative link of README and docs names a file that is there."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
