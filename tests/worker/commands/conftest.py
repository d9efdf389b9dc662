from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from enforcer.settings.settings import load
from tests.fakes.registry import FakeRegistry
from tests.fakes.scans import HASTY
from worker.commands.main import group
from worker.context import Context

CONFIG = """
sweep_rate = 10000
[registries.main]
url = "{url}"
notification_token = "notify-main"
[[policies]]
registry = "main"
namespace = "team"
tags = {{ decoration = "excludes", pattern = "latest" }}
"""


class Commands:
    """Runs `enforcer-worker` on a configuration with one registry and one policy."""

    def __init__(self, folder: Path, registry: FakeRegistry, redis: Any) -> None:
        self.file = folder / "enforcer.toml"
        self.write(CONFIG.format(url=registry.url))
        self._redis = redis

    def write(self, text: str) -> None:
        self.file.write_text(text)

    @property
    def context(self) -> Context:
        """What a worker would work with."""
        return Context(load(self.file, {}), self._redis, consumer="test")

    def __call__(self, command: str, *words: object, stdin: bytes | None = None) -> Result:
        """What a command printed, and its exit status."""
        arguments = [command, "--config", self.file, *words]
        return CliRunner().invoke(group, list(map(str, arguments)), input=stdin, obj=HASTY)

    def json(self, command: str, *words: object, status: int = 0) -> Any:
        """The report of a command that ends with that status."""
        result = self(command, *words, "--json")
        assert result.exit_code == status, (result.output, result.exception)
        return json.loads(result.stdout)


@pytest.fixture
def worker(tmp_path, registry, redis, database):
    """`enforcer-worker` on a Redis and a registry in memory."""
    handlers = logging.getLogger().handlers[:]
    yield Commands(tmp_path, registry, redis)
    logging.getLogger().handlers[:] = handlers
