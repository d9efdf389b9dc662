"""A mail server on 127.0.0.1 that takes every message."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from email.message import EmailMessage
from typing import Any, Self, cast


class FakeMailServer:
    """`received` are the messages that it was sent."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
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
        return int(self._server.server_address[1])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, mail: FakeMailServer) -> None:
        self.mail = mail
        super().__init__(("127.0.0.1", 0), _Conversation)


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 fake")
        for line in self.rfile:
            word = line.strip().upper()
            if word.startswith(b"DATA"):
                self._say("354 go on")
                self._take()
            elif word == b"QUIT":
                self._say("221 bye")
                return
            self._say("250 fine")

    def _take(self) -> None:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b"."))
        message: Any = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
        cast("_Server", self.server).mail.received.append(message)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())
