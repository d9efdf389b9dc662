"""Somebody who operates an installation, by its native API and its commands, and waits until it has nothing to do."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import redis
import requests

from enforcer.manifests import ACCEPT
from enforcer.store.registry_queues import RegistryQueues
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from tests.integration.installation import Installation, wait_for
from tests.integration.servers import http

ACCOUNT = """
[accounts.joan]
role = "admin"
token = "token-of-joan"
"""
"""To be added to the configuration."""

QUEUES = (Task.BASELINE, Task.KEEP, Task.RESTORE, Task.ALERT)


class Operator:
    """Works with one registry of an installation."""

    def __init__(self, whole: Installation, registry: str = "main") -> None:
        self.whole = whole
        self.registry = registry
        self.store = redis.Redis(port=whole.redis.port)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What the native API answers; it must not refuse."""
        address = f"{self.whole.url}/api/v1{path}"
        headers = {"Authorization": "Bearer token-of-joan"}
        answer = requests.request(method, address, json=body, headers=headers, timeout=10)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def run(self, *arguments: str, module: str = "enforcer", status: int = 0) -> str:
        """What a command prints that ends with that status."""
        done = self.try_to(*arguments, module=module)
        assert done.returncode == status, (done.stdout, done.stderr)
        return done.stdout

    def try_to(self, *arguments: str, module: str = "enforcer") -> subprocess.CompletedProcess[str]:
        """What a command does, however it ends."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=self.whole.directory,
            env=os.environ | {"ENFORCER_CONFIG": str(self.whole.directory / "enforcer.toml")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def history(self, repository: str, tag: str) -> list[dict[str, Any]]:
        """Every entry, oldest first."""
        address = f"{self.whole.url}/api/v1/registries/{self.registry}/history/{repository}/{tag}"
        answer = requests.get(address, headers={"Authorization": "Bearer token-of-joan"}, timeout=10)
        if answer.status_code == 404:
            return []
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[::-1]

    def decisions(self, repository: str, tag: str) -> list[str]:
        """What was decided of each event, oldest first; ours, which put it back, are called `restored`.

        What baselines and sweeps saw is left out: those at the start may come by at any moment.
        """
        return [
            "restored" if is_ours(entry) and entry["action"] == "push" else entry["decision"]
            for entry in self.history(repository, tag)
            if not entry["id"].startswith(("baseline-", "sweep-"))
        ]

    def violations(self, repository: str) -> list[dict[str, Any]]:
        """All violations in a repository, oldest first."""
        found = self.api("GET", f"/violations?registry={self.registry}&repository={repository}&limit=1000")
        return [*reversed(found["items"])]

    def states(self, repository: str) -> list[str]:
        """What became of each violation in a repository."""
        return [violation["state"] for violation in self.violations(repository)]

    def recorded(self, repository: str) -> dict[str, str]:
        """The digest that each tag of a repository is recorded with."""
        found = self.api("GET", f"/registries/{self.registry}/tags?repository={repository}&limit=1000")
        return {one["tag"]: one["digest"] for one in found["items"]}

    def audit(self) -> list[tuple[str, str, str]]:
        """What operators did, oldest first: what, who and why."""
        items = self.api("GET", "/audit")["items"]
        return [(entry["what"], entry["by"], entry["reason"]) for entry in reversed(items)]

    def is_idle(self) -> bool:
        """Whether everything is judged, kept, restored and told, later looks included; sweeps come and go."""
        return self.whole.is_quiet() and not any(self.has_to_do(task) for task in QUEUES)

    def has_to_do(self, task: Task) -> bool:
        """Whether anything is in the work queue of a task."""
        if task is Task.RESTORE:
            return len(RegistryQueues(self.store, task, self.whole.settings.registries)) > 0
        return len(WorkQueue(self.store, task)) > 0

    def wait_until_idle(self) -> None:
        """Wait until nothing is left to do; at the start baselines may find a push before its event."""
        wait_for(self.is_idle, seconds=60, what="the end of all work")


def is_ours(entry: dict[str, Any]) -> bool:
    """True for a push of an installation: it names itself and its id, where what it only saw has no id."""
    return str(entry["user_agent"]).startswith("tag-enforcer/")


def served(url: str, repository: str, reference: str) -> bytes | None:
    """The manifest that a registry serves, byte for byte."""
    address = f"{url}/v2/{repository}/manifests/{reference}"
    answer = http.get(address, headers={"Accept": ACCEPT}, timeout=10)
    return answer.content if answer.ok else None
