from __future__ import annotations

import logging
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from enforcer.cli.main import group as enforcer
from enforcer.errors import StoreUnavailable
from enforcer.store.schema import KEY
from tests.fakes.configuration import REGISTRY
from tests.fakes.events import digest
from worker.commands.main import group as worker

WITHOUT_STORE = {"demo", "registry-config", "policy match"}
"""Commands that need no Redis, or bring their own."""

REASON = ["--reason", "why"]
POLICY = ["--namespace", "team", "--tags", "*"]
ARGUMENTS = {
    "policy apply": ["-"],
    "policy create": POLICY,
    "policy delete": ["1"],
    "policy disable": ["1"],
    "policy enable": ["1"],
    "policy preview": POLICY,
    "policy show": ["1"],
    "policy update": ["1", "--comment", "x"],
    "tag approve": ["team/app:1", digest(1), *REASON],
    "tag history": ["team/app:1"],
    "tag lock": ["team/app:1"],
    "tag show": ["team/app:1"],
    "tag unlock": ["team/app:1", "--for", "1m", *REASON],
    "import": ["-"],
    "replay": ["-"],
    "work": ["drain", "1"],
}


def commands(group: click.Group, *path: str) -> Iterator[str]:
    """The names of all commands, hidden ones included."""
    context = click.Context(group)
    for name in sorted({*group.list_commands(context), *getattr(group, "lazy", {})}):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join([*path, name])


CASES = [(group, name) for group in (enforcer, worker) for name in commands(group) if name not in WITHOUT_STORE]


@pytest.mark.parametrize(("group", "name"), CASES, ids=[name for _, name in CASES])
def test_a_newer_schema_is_refused(tmp_path, database, group, name):
    """No command of either program touches data that a newer version wrote; each says what to do, with status 1."""
    database.set(KEY, 99)
    file = tmp_path / "enforcer.toml"
    file.write_text(REGISTRY)
    handlers = logging.getLogger().handlers[:]
    result = CliRunner().invoke(group, [*name.split(), "--config", str(file), *ARGUMENTS.get(name, [])], input="")
    logging.getLogger().handlers[:] = handlers
    said = str(result.exception) if isinstance(result.exception, StoreUnavailable) else result.output
    assert "the data in Redis has schema 99, and this version of Tag Enforcer knows schema 1: run the version" in said
    assert result.exit_code == 1
    assert database.keys() == [KEY.encode()]


def test_every_command_is_tried():
    """The list above is that of the two programs."""
    names = [name for _, name in CASES]
    assert {"serve", "up", "check", "policy list", "tag unlocks", "run", "work", "export"} <= set(names)
    assert set(ARGUMENTS) <= set(names)
