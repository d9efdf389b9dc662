"""A whole installation on real servers: registry, Redis, receiver, workers, and somebody who hears the alerts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml

from enforcer.alerts.channels import SIGNATURE, sign
from enforcer.manifests import ACCEPT
from enforcer.names import Digest
from enforcer.registries.notification_config import notification_block
from enforcer.settings.settings import load
from tests.integration.servers import free_port, http, start_redis, start_registry

TOKEN = "a-token-for-the-tests"
SECRET = "a-secret-for-the-tests"

CONFIG = """\
redis_url = "{redis_url}"
data_dir = "data"
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
[registries.main]
url = "{registry_url}"
notification_token = "{token}"
[alerts]
webhook_url = "{webhook_url}"
webhook_secret = "{secret}"
{more}
[[policies]]
registry = "main"
namespace = "team"
repositories = {{ decoration = "repoMatches", pattern = "**" }}
tags = {{ decoration = "excludes", pattern = "latest" }}
"""


def wait_for(condition: Callable[[], Any], *, seconds: float = 30, what: str = "it") -> Any:
    """Wait until something holds, and return it; fail with what it was if it never does.

    It rests for longer than it asks, since what is waited for runs beside it.
    """
    deadline = time.monotonic() + seconds
    while True:
        began = time.monotonic()
        if found := condition():
            return found
        now = time.monotonic()
        if now > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} seconds")
        time.sleep(max(0.02, 3 * (now - began)))


class Hook:
    """A webhook receiver that keeps what it is sent, if the signature is right."""

    def __init__(self) -> None:
        self.alerts: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                genuine = self.headers[SIGNATURE] == sign(body, SECRET)
                if genuine:
                    hook.alerts.append(json.loads(body))
                self.send_response(204 if genuine else 403)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def of(self, repository: str) -> list[dict[str, Any]]:
        """The alerts about a repository."""
        return [alert for alert in self.alerts if alert.get("repository") == repository]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Process:
    """A command of ours in a session of its own."""

    def __init__(self, directory: Path, name: str, *command: str) -> None:
        self._log = (directory / f"{name}.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=directory,
            env=os.environ | {"ENFORCER_CONFIG": str(directory / "enforcer.toml")},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> int:
        """End it as an operator does; returns its exit status."""
        if self._process.poll() is None:
            self._process.terminate()
        status = self._process.wait(30)
        self._log.close()
        return status

    def kill(self) -> None:
        """SIGKILL to it alone."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()


class Installation:
    """Everything; each part can be stopped and started on its own."""

    def __init__(self, directory: Path, more: str = "") -> None:
        self.directory = directory
        self.hook = Hook()
        self.redis = start_redis(directory / "redis")
        self.port, registry_port = free_port(), free_port()
        text = CONFIG.format(
            redis_url=self.redis.url,
            port=self.port,
            registry_url=f"http://127.0.0.1:{registry_port}",
            token=TOKEN,
            webhook_url=self.hook.url,
            secret=SECRET,
            more=more,
        )
        (directory / "enforcer.toml").write_text(text)
        self.settings = load(directory / "enforcer.toml")
        block = yaml.safe_load(notification_block(self.settings, "main"))
        self.registry = start_registry(
            directory / "registry",
            port=registry_port,
            notifications=block["notifications"],
            extra={"http": {"debug": {"addr": f"127.0.0.1:{free_port()}"}}},
        )
        self.debug_url = json.loads(self.registry.config_path.read_text())["http"]["debug"]["addr"]
        self.receiver: Process | None = None
        self.workers: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.start_receiver()
        self.start_workers()

    def start_receiver(self) -> None:
        self.receiver = Process(self.directory, "receiver", "enforcer", "serve")
        wait_for(self._answers, what="the receiver's first answer")

    def start_workers(self) -> None:
        self.workers = Process(self.directory, "workers", "worker", "run")

    def stop(self) -> None:
        for part in (self.workers, self.receiver):
            if part is not None:
                part.stop()
        for server in (self.registry, self.redis):
            server.stop()
        self.hook.stop()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def post(self, body: bytes, token: str = TOKEN) -> requests.Response:
        """Send a notification."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/vnd.docker.distribution.events.v1+json",
        }
        return requests.post(
            f"{self.url}/notifications/main", data=body, headers=headers, timeout=30, allow_redirects=False
        )

    def pending(self) -> int:
        """How many events the registry has not got rid of yet."""
        answer = requests.get(f"http://{self.debug_url}/debug/vars", timeout=5).json()
        return int(answer["registry"]["notifications"]["endpoints"][0]["Metrics"]["Pending"])

    def waiting(self) -> int:
        """How many events are accepted and not judged."""
        return int(requests.get(f"{self.url}/readyz", timeout=5).json()["events_waiting"])

    def is_quiet(self) -> bool:
        """Whether every event that was sent is judged."""
        return self.pending() == 0 and self.waiting() == 0

    def settle(self) -> None:
        """Wait until every event that was sent is judged."""
        wait_for(self.is_quiet, seconds=60, what="the judging of all events")

    def digest(self, repository: str, tag: str) -> Digest | None:
        """What the tag is now, by its bytes."""
        address = f"{self.registry.url}/v2/{repository}/manifests/{tag}"
        answer = http.get(address, headers={"Accept": ACCEPT}, timeout=10)
        return Digest.of(answer.content) if answer.ok else None

    def wrong(self, repository: str, originals: dict[str, Digest], tags: Iterable[str] | None = None) -> list[str]:
        """The tags that are not what they must be."""
        return [tag for tag in tags or originals if self.digest(repository, tag) != originals[tag]]


@contextmanager
def installation(directory: Path, more: str = "") -> Any:
    """An installation that runs, and ends whatever happens."""
    whole = Installation(directory, more)
    try:
        whole.start()
        yield whole
    finally:
        whole.stop()
