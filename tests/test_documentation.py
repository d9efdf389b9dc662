"""The documentation says what the code does: every setting, command and route is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from enforcer.cli import group as enforcer
from enforcer.configuration.account import AccountSettings
from enforcer.configuration.alert import AlertSettings
from enforcer.configuration.policy import PolicySettings, RepositorySelectorSettings, TagSelectorSettings
from enforcer.configuration.registry import RegistrySettings
from enforcer.settings import Settings
from worker.cli import group as enforcer_worker

ROOT = Path(__file__).parents[1]
DOCS = "\n".join(path.read_text() for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
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


@pytest.mark.parametrize("group", [enforcer, enforcer_worker], ids=["enforcer", "enforcer-worker"])
def test_every_command_is_mentioned(group):
    """README or a page of docs shows each command."""
    program = "enforcer" if group is enforcer else "enforcer-worker"
    for name, command in group.commands.items():
        if not command.hidden:
            assert f"{program} {name}" in DOCS, name


def test_links_lead_somewhere():
    """Each relative link of README and docs names a file that is there."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
