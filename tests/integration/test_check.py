"""`enforcer check` against a registry with users and a Redis of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.integration.servers import start_redis, start_registry

pytestmark = pytest.mark.integration

# `htpasswd -Bbn -C 5 enforcer swordfish`
HTPASSWD = "enforcer:$2y$05$xvJUaRlIZmLeLSsOGFfdcOV3C61XB0T8ANVf39qMHSOoXksSlSVdu"

CONFIG = """\
redis_url = "{redis_url}"
data_dir = "data"
[registries.main]
url = "{registry_url}"
username = "enforcer"
password = "{password}"
notification_token = "a-token-that-is-long-enough"
namespaces = ["team"]
[alerts]
urls = ["json://127.0.0.1"]
[[policies]]
registry = "main"
namespace = "library"
tags = {{ decoration = "excludes", pattern = "latest" }}
"""


@pytest.fixture
def guarded(tmp_path):
    """A registry that asks for a password."""
    registry = start_registry(tmp_path / "guarded", auth_htpasswd=HTPASSWD)
    yield registry
    registry.stop()


def check(
    folder: Path, registry, redis_url: str, password: str = "swordfish"
) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit status, and the worst that is said of each subject."""
    file = folder / "enforcer.toml"
    file.touch(mode=0o600)
    file.write_text(CONFIG.format(redis_url=redis_url, registry_url=registry.url, password=password))
    done = subprocess.run(
        [sys.executable, "-m", "enforcer", "check", "--json", "--config", str(file)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    found = sorted((json.loads(line) for line in done.stdout.splitlines()), key=lambda each: each["level"] != "ok")
    return done.returncode, {each["subject"]: (each["level"], each["text"]) for each in found}


def test_everything_is_fine(guarded, redis_server, tmp_path):
    """All answer, and nothing is left in the registry."""
    status, found = check(tmp_path, guarded, redis_server.url)
    assert status == 0
    assert {level for level, _ in found.values()} == {"ok"}, found
    assert found["registry main"][1] == f"{guarded.url} answers user enforcer and takes pushes to library, team"
    catalog = requests.get(f"{guarded.url}/v2/_catalog", auth=("enforcer", "swordfish"), timeout=10)
    assert catalog.json() == {"repositories": []}


def test_wrong_password(guarded, redis_server, tmp_path):
    """The registry's refusal is named as what it is."""
    status, found = check(tmp_path, guarded, redis_server.url, "catfish")
    assert status == 1
    level, text = found["registry main"]
    assert level == "failed"
    assert text.startswith("wrong username or password: ")


def test_read_only_registry(guarded, redis_server, tmp_path):
    """A registry that takes no pushes at the moment cannot be restored to."""
    guarded.reconfigure(storage={"maintenance": {"readonly": {"enabled": True}}})
    status, found = check(tmp_path, guarded, redis_server.url)
    assert status == 1
    assert found["registry main"][0] == "failed"


def test_both_away(guarded, redis_server, tmp_path):
    """Both servers away are two failures, told in one run."""
    guarded.stop()
    redis_server.stop()
    status, found = check(tmp_path, guarded, redis_server.url)
    assert status == 1
    assert found["registry main"][0] == "failed"
    assert found["registry main"][1].startswith("unreachable: ")
    assert found["redis"][0] == "failed"
    assert "does not answer" in found["redis"][1]


def test_redis_that_forgets(guarded, tmp_path):
    """A Redis that writes nothing to disk is a warning, as told by that Redis."""
    server = start_redis(tmp_path / "volatile", appendonly=False)
    try:
        status, found = check(tmp_path, guarded, server.url)
    finally:
        server.stop()
    assert status == 0
    assert found["redis"][0] == "warning"
    assert "no append-only file and takes no snapshots" in found["redis"][1]


def test_embedded(guarded, tmp_path):
    """The embedded server is started for the check, found fine, and ended."""
    status, found = check(tmp_path, guarded, "embedded")
    assert status == 0
    assert found["redis"][0] == "ok"
    assert found["redis"][1].startswith("Valkey ")
    assert not (tmp_path / "data" / "valkey.pid").exists()
