"""`enforcer up` with the store of its own, for attacks: on a docker-registry, on registries in memory, or on both.

What happens is looked at from outside alone: the registry over HTTP, alerts as the webhook gets them, the native API
and the commands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests

from enforcer.manifests import ACCEPT, OCI_MANIFEST
from enforcer.names import Digest
from tests.fakes.deliveries import announcement
from tests.fakes.images import blobs_of, image
from tests.fakes.notifying_registry import NotifyingRegistry
from tests.integration.installation import CONFIG, SECRET, TOKEN, Hook, Process, wait_for
from tests.integration.operator import ACCOUNT
from tests.integration.servers import Registry, free_port, http, push_blob, start_registry

T, R = TypeVar("T"), TypeVar("R")
_LOGIN = {"Authorization": "Bearer token-of-joan"}
_FAKE = """
[registries.{name}]
url = "{url}"
kind = "{kind}"
notification_token = "{token}"
{more}
[[policies]]
registry = "{name}"
namespace = "team"
tags = {{ pattern = "**" }}
{policy}
"""


@dataclass(frozen=True)
class FakeTable:
    """What a registry in memory is like: its kind, more lines of its configuration, its clock and its store."""

    kind: str = "distribution"
    more: str = ""
    policy: str = ""
    skew: float = 0.0
    delay: float = 0.0


class Bench:
    """The installation; `fakes` are its registries in memory by their names, `registry` is the real one, `main`."""

    def __init__(self, directory: Path, *, more: str = "", fakes: Mapping[str, FakeTable] | None = None) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.hook = Hook()
        self.endpoints: list[dict[str, Any]] = [self._endpoint("tag-enforcer", f"{self.url}/notifications/main")]
        self.fakes: dict[str, NotifyingRegistry] = {}
        self._more = more
        for name, table in (fakes or {}).items():
            self._add(name, table)
        self.registry: Registry | None = None
        self.up: Process | None = None

    def _add(self, name: str, table: FakeTable) -> None:
        fake = NotifyingRegistry(f"{self.url}/notifications/{name}", TOKEN, delay=table.delay)
        fake.replicas[0].skew = table.skew
        self.fakes[name] = fake
        lines = {"kind": table.kind, "more": table.more, "policy": table.policy}
        self._more += _FAKE.format(name=name, url=fake.url, token=TOKEN, **lines)

    @staticmethod
    def _endpoint(name: str, url: str) -> dict[str, Any]:
        headers = {"Authorization": [f"Bearer {TOKEN}"]}
        ignored = {"mediatypes": ["application/octet-stream"], "actions": ["pull"]}
        return {
            "name": name,
            "url": url,
            "headers": headers,
            "timeout": "2s",
            "threshold": 5,
            "backoff": "1s",
            "ignore": ignored,
        }

    def notify_also(self, name: str, url: str) -> None:
        """Have the registry tell one more endpoint; before it starts."""
        self.endpoints.append(self._endpoint(name, url))

    def start(self) -> None:
        """Start everything, and wait until a push is recorded: workers start after the receiver."""
        port = free_port()
        self.registry = start_registry(
            self.directory / "registry",
            port=port,
            notifications={"events": {"includereferences": True}, "endpoints": self.endpoints},
        )
        text = CONFIG.format(
            redis_url="embedded",
            port=self.port,
            registry_url=self.registry.url,
            token=TOKEN,
            webhook_url=self.hook.url,
            secret=SECRET,
            more=ACCOUNT + self._more,
        )
        (self.directory / "enforcer.toml").write_text(text)
        self.start_enforcer()
        self.push("team/warm", "1.0", self.upload("team/warm", "warm"))
        self.wait_recorded("team/warm", "1.0")

    def start_enforcer(self) -> None:
        """Start `enforcer up`, and wait until it says that it is ready."""
        self.up = Process(self.directory, "up", "enforcer", "up")
        wait_for(self.is_ready, seconds=60, what="readiness")

    def stop_enforcer(self) -> None:
        if self.up is not None:
            self.up.stop()
            self.up = None

    def stop(self) -> None:
        self.stop_enforcer()
        for fake in self.fakes.values():
            fake.stop()
        if self.registry is not None:
            self.registry.stop()
        self.hook.stop()

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    # What clients do.

    def url_of(self, registry: str) -> str:
        """Where clients reach a registry."""
        if registry in self.fakes:
            return self.fakes[registry].url
        assert self.registry is not None
        return self.registry.url

    def login(self, registry: str) -> tuple[str, str] | None:
        """The first account of a registry in memory that has any."""
        accounts = self.fakes[registry].accounts if registry in self.fakes else {}
        return next(iter(accounts.items()), None)

    def upload(self, repository: str, seed: str, *, registry: str = "main") -> bytes:
        """An image of which all but the manifest is in the repository."""
        for content in blobs_of(seed):
            push_blob(self.url_of(registry), repository, content, auth=self.login(registry))
        return image(seed)

    def push(
        self,
        repository: str,
        reference: str,
        content: bytes,
        media_type: str = OCI_MANIFEST,
        *,
        at: str = "",
        host: str = "",
        auth: tuple[str, str] | None = None,
    ) -> Digest:
        """Push a manifest, to `main` or to another address, from another host if one is given.

        2.8 sometimes answers 500 while the same tag is being written by somebody else.
        """
        headers = {"Content-Type": media_type} | ({"X-Forwarded-For": host} if host else {})
        login = tuple(part.encode() for part in auth) if auth else None
        target = f"{at or self.url_of('main')}/v2/{repository}/manifests/{reference}"
        for _ in range(20):
            answer = http.put(target, data=content, headers=headers, auth=login, timeout=20)
            if answer.status_code < 500:
                break
            time.sleep(0.02)
        answer.raise_for_status()
        return Digest.of(content)

    def delete(self, repository: str, digest: Digest, *, at: str = "") -> None:
        """Delete a manifest by its digest; 2.8 answers 500 where a tag of it is being written meanwhile."""
        target = f"{at or self.url_of('main')}/v2/{repository}/manifests/{digest}"
        for _ in range(20):
            answer = http.delete(target, timeout=10)
            if answer.status_code < 500:
                break
            time.sleep(0.02)
        answer.raise_for_status()

    def served(self, repository: str, reference: str, *, registry: str = "main") -> Digest | None:
        """What a tag or a digest is now, by its bytes."""
        target = f"{self.url_of(registry)}/v2/{repository}/manifests/{reference}"
        answer = http.get(target, headers={"Accept": ACCEPT}, auth=self.login(registry), timeout=10)
        return Digest.of(answer.content) if answer.ok else None

    def forge(self, registry: str, **changes: Any) -> requests.Response:
        """Send what has the token: `target` and any other field of an event."""
        time_ = changes.pop("at", time.time())
        request = {"addr": "203.0.113.9:4000", "host": "registry:5000", "method": "PUT", "useragent": "docker/27.0"}
        source = changes.pop("source", {"addr": "registry:5000", "instanceID": str(uuid.uuid4())})
        target = {"mediaType": OCI_MANIFEST, "size": 400, "length": 400, **changes.pop("target")}
        event = announcement("push", target, at=time_, source=source, request=request, **changes)
        return self.post(registry, json.dumps({"events": [event]}).encode())

    def post(self, registry: str, body: bytes) -> requests.Response:
        """Send a notification."""
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/vnd.docker.distribution.events.v1+json",
        }
        return requests.post(f"{self.url}/notifications/{registry}", data=body, headers=headers, timeout=30)

    # What is seen.

    def api(self, path: str) -> Any:
        """What the native API says; None where there is nothing."""
        answer = requests.get(f"{self.url}/api/v1{path}", headers=_LOGIN, timeout=20)
        return answer.json() if answer.ok else None

    def history(self, repository: str, tag: str, *, registry: str = "main") -> list[dict[str, Any]]:
        """All entries, oldest first."""
        found = self.api(f"/registries/{registry}/history/{repository}/{tag}?limit=1000")
        return found["items"][::-1] if found else []

    def record(self, repository: str, tag: str, *, registry: str = "main") -> str | None:
        """The digest that a tag must have."""
        found = self.api(f"/registries/{registry}/tags?repository={repository}&limit=1000")
        return next((each["digest"] for each in found["items"] if each["tag"] == tag), None)

    def wait_recorded(self, repository: str, tag: str, *, registry: str = "main") -> None:
        """Wait until a tag has a record."""
        what = f"the record of {registry}'s {repository}:{tag}"
        wait_for(lambda: self.record(repository, tag, registry=registry), seconds=30, what=what)

    def wait_judged(self) -> None:
        """Wait until no event is waiting here; what a registry has not sent yet it does not know."""
        what = "the judging of all events"
        wait_for(lambda: requests.get(f"{self.url}/readyz", timeout=5).json()["events_waiting"] == 0, what=what)

    def alerts(self, repository: str, tag: str = "", *, registry: str = "main") -> list[dict[str, Any]]:
        """What people were told of a repository or of one of its tags, oldest first."""
        found = [each for each in self.hook.of(repository) if each.get("registry", registry) == registry]
        return [each for each in found if not tag or each.get("tag") == tag]

    def run(self, *arguments: str, module: str = "enforcer", config: Path | None = None, given: str = "") -> Any:
        """What a command does, however it ends."""
        return subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=config.parent if config else self.directory,
            env=os.environ | {"ENFORCER_CONFIG": str(config or self.directory / "enforcer.toml")},
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@contextmanager
def bench(
    directory: Path,
    *,
    more: str = "",
    fakes: Mapping[str, FakeTable] | None = None,
    log_in: Mapping[str, str] | None = None,
) -> Iterator[Bench]:
    """One that runs, and ends whatever happens; with `log_in`, names and passwords, its fakes ask for credentials."""
    with ExitStack() as stack:
        whole = Bench(directory, more=more, fakes=fakes)
        for fake in whole.fakes.values():
            fake.accounts.update(log_in or {})
        stack.callback(whole.stop)
        whole.start()
        yield whole


def side_by_side(work: Callable[[T], R], items: list[T]) -> list[R]:
    """What a function makes of each, up to 100 at once."""
    with ThreadPoolExecutor(min(100, len(items))) as pool:
        return list(pool.map(work, items))
