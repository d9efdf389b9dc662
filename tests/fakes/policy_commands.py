"""`enforcer policy` as a person or a script runs it."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from enforcer.cli.policy import policy
from tests.fakes.configuration import ConfigurationFolder


class PolicyCommands:
    """Runs commands on the configuration in a folder."""

    def __init__(self, folder: ConfigurationFolder) -> None:
        self.folder = folder

    def __call__(self, command: str, *arguments: object, stdin: str | bytes | None = None) -> Result:
        """What a command printed, and its exit status."""
        words = [command, "--config", self.folder.file, *arguments]
        return CliRunner().invoke(policy, list(map(str, words)), input=stdin)

    def done(self, command: str, *arguments: object, stdin: str | bytes | None = None) -> str:
        """What a command prints that succeeds."""
        result = self(command, *arguments, stdin=stdin)
        assert result.exit_code == 0, (result.output, result.exception)
        return result.stdout

    def json(self, command: str, *arguments: object, stdin: str | bytes | None = None) -> list[Any]:
        """The objects that it prints with --json, a line each."""
        return [json.loads(line) for line in self.done(command, *arguments, "--json", stdin=stdin).splitlines()]
