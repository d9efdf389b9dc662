from __future__ import annotations

import pytest
from click.testing import CliRunner

from enforcer.store.policies import PolicyStore
from tests.fakes.configuration import REGISTRY, ConfigurationFolder
from tests.fakes.policy_commands import PolicyCommands


@pytest.fixture
def invoke(tmp_path, database):
    """Run a command with a configuration that is as short as it can be."""
    file = tmp_path / "enforcer.toml"
    file.write_text(REGISTRY)

    def invoke(command, *arguments: str):
        return CliRunner().invoke(command, ["--config", str(file), *arguments])

    return invoke


@pytest.fixture
def folder(tmp_path):
    """A configuration with one registry, and up to two policies for a namespace."""
    folder = ConfigurationFolder(tmp_path)
    folder.load("policies_per_namespace = 2\n")
    return folder


@pytest.fixture
def enforcer(folder, database, monkeypatch):
    """Run commands of `enforcer policy` as the user `joan`."""
    monkeypatch.setenv("LOGNAME", "joan")
    return PolicyCommands(folder)


@pytest.fixture
def declared(folder, redis):
    """A policy that the configuration declares, as it is after a start; returns the text that declares it."""
    text = """
[[policies]]
registry = "main"
namespace = "library"
tags = { decoration = "excludes", pattern = "latest" }
"""
    PolicyStore(redis).apply_settings(folder.load(text).policies)
    return text
