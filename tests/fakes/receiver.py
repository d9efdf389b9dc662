"""Somebody's web server on 127.0.0.1 that takes what is sent to it, or refuses it when it is told to."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One request; `headers` have names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class FakeReceiver:
    """`status`, `location` and `content` are what it answers, `latency` the seconds before.

    `received` is what it was sent.
    """

    def __init__(self) -> None:
        self.status = 200
        self.location = ""
        self.content = b""
        self.latency = 0.0
        self.received: list[Received] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: FakeReceiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.receiver.received.append(Received(self.command, self.path, headers, body))
        time.sleep(self.server.receiver.latency)
        self.send_response(self.server.receiver.status)
        if self.server.receiver.location:
            self.send_header("Location", self.server.receiver.location)
        self.send_header("Content-Length", str(len(self.server.receiver.content)))
        self.end_headers()
        self.wfile.write(self.server.receiver.content)

    do_GET = do_POST = handle_any  # noqa: N815 - the base class names them so

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
        """The log is `received`."""
