"""The served application alone, for tests that talk to it over HTTP: `enforcer serve` on a free port, no workers."""

from __future__ import annotations

from pathlib import Path

import requests

from tests.integration.installation import Process, wait_for
from tests.integration.servers import free_port

CONFIG = """\
redis_url = "{redis_url}"
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
{top}
[registries.main]
url = "http://127.0.0.1:9"
notification_token = "a-token-for-the-tests"
namespaces = ["library", "team"]
{accounts}
"""


class Receiver:
    """The process, and where it listens; its output is in `receiver.log` of its directory."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process = Process(directory, "receiver", "enforcer", "serve")
        wait_for(self._answers, what="the receiver's first answer")

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        """End it as an operator does."""
        self._process.stop()

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False


def start_receiver(directory: Path, redis_url: str, accounts: str = "", *, top: str = "") -> Receiver:
    """Serve one registry `main`, with the namespaces `library` and `team`, from an existing directory.

    `accounts` are tables of the configuration, `top` keys of its top level.
    """
    port = free_port()
    text = CONFIG.format(redis_url=redis_url, port=port, top=top, accounts=accounts)
    (directory / "enforcer.toml").write_text(text)
    return Receiver(directory, port)
