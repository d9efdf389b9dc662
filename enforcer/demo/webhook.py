"""A receiver of alerts, as an engineer on call might have one."""

from __future__ import annotations

import hmac
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self

from enforcer.alerts.channels import SIGNATURE, sign

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Received:
    """One alert, and whether its signature is that of its bytes under the shared secret."""

    fields: dict[str, Any]
    authentic: bool


class Webhook:
    """An HTTP server on a free port of 127.0.0.1 that keeps what it gets until it is taken."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._received: SimpleQueue[Received] = SimpleQueue()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where alerts are to be sent."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def take(self) -> Received | None:
        """The oldest alert that is not taken yet; None if there is none."""
        try:
            return self._received.get_nowait()
        except Empty:
            return None

    def receive(self, body: bytes, signature: str) -> None:
        """Verify and keep what was sent."""
        authentic = hmac.compare_digest(signature, sign(body, self.secret))
        self._received.put(Received(json.loads(body), authentic))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, webhook: Webhook) -> None:
        self.webhook = webhook
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.webhook.receive(body, self.headers.get(SIGNATURE, ""))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
        """Nothing: the alert itself is shown."""
