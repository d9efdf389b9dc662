from __future__ import annotations

import json
from contextlib import contextmanager

import pytest
from click.testing import CliRunner

from enforcer.commands.policy import policy
from enforcer.policies.store import PolicyStore
from tests.fakes.configuration import ConfigurationFolder


class PolicyCommands:
    """`enforcer policy` on a configuration and a Redis of the test's own."""

    def __init__(self, folder: ConfigurationFolder) -> None:
        self.folder = folder

    def __call__(self, *arguments: object, stdin: str | bytes | None = None):
        """Run a command, as `enforcer` runs it; what it printed and its exit status."""
        text = [str(argument) for argument in arguments]
        text[1:1] = [] if text[0] == "match" else ["--config", str(self.folder.file)]
        return CliRunner().invoke(policy, text, input=stdin, standalone_mode=True)

    def done(self, *arguments: object, stdin: str | bytes | None = None) -> str:
        """What a command prints that succeeds."""
        result = self(*arguments, stdin=stdin)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def json(self, *arguments: object, stdin: str | bytes | None = None):
        """The objects that a command prints with --json, a line each."""
        return [json.loads(line) for line in self.done(*arguments, "--json", stdin=stdin).splitlines()]


@pytest.fixture
def folder(tmp_path):
    """A configuration with one registry, and up to two policies for a namespace."""
    folder = ConfigurationFolder(tmp_path)
    folder.load("policies_per_namespace = 2\n")
    return folder


@pytest.fixture
def enforcer(folder, redis, monkeypatch):
    """Run commands of `enforcer policy` as the user `joan`."""

    @contextmanager
    def running_database(redis_url, data_dir):
        yield redis

    monkeypatch.setattr("enforcer.database.running_database", running_database)
    monkeypatch.setenv("LOGNAME", "joan")
    return PolicyCommands(folder)


@pytest.fixture
def declared(folder, redis):
    """A policy that the configuration declares, as it is after a start; returns the configuration's text."""
    text = """
[[policies]]
registry = "main"
namespace = "library"
tags = { decoration = "excludes", pattern = "latest" }
"""
    PolicyStore(redis).apply_settings(folder.load(text).policies)
    return text
