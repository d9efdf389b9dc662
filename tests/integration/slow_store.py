"""A registry whose store is slow: it tells of a push at once, and writes the tag a good while later.

Distribution on an object store does that: the notification goes out when the manifest is stored, and the tag is written
after it. Here a proxy tells and then waits before it passes a push on to a registry without notifications.
"""

from __future__ import annotations

import queue
import random
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import requests

from enforcer.names import Digest
from enforcer.times import Time

ANSWER = 0.04
"""Seconds from the writing of a tag until the push is answered."""

LATEST = 3
"""Seconds after its notification at which a push is written at the latest, whether or not another one was."""

_PASSED_ON = ("Content-Type", "Accept", "Location", "Docker-Content-Digest")


class SlowStore:
    """In front of the registry at `behind`; notifications go to `receiver`, which must be set first, with that token.

    `late` is which part of the pushes waits for one that is told later. `writes` is how many tags were written, and
    `crossed` how many of them after one whose push was told later.
    """

    def __init__(self, behind: str, token: str) -> None:
        self.behind = behind
        self.receiver = ""
        self.late = 0.0
        self.writes = self.crossed = 0
        self._told = 0
        self._last: dict[str, int] = {}
        self._lock = threading.Lock()
        self._chance = random.Random(20261122)
        self._token = token
        self._session = requests.Session()
        self._session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=64))
        self._queue: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._server = _Server(self)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True),
            threading.Thread(target=self._notify, daemon=True),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._server.server_close()
        self._session.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def pass_on(self, method: str, path: str, headers: Any, body: bytes, address: str) -> requests.Response:
        """Answer a request as the registry does; the push of a tag late."""
        repository, _, tag = path.removeprefix("/v2/").partition("/manifests/")
        is_push = method == "PUT" and tag and ":" not in tag
        number = self._tell(repository, tag, headers, body, address) if is_push else 0
        if is_push:
            self._delay(path, number, is_ours=headers.get("User-Agent", "").startswith("tag-enforcer/"))
        passed = {name: headers[name] for name in _PASSED_ON if name in headers}
        answer = self._session.request(
            method, self.behind + path, headers=passed, data=body, timeout=30, allow_redirects=False
        )
        if is_push:
            self._count(path, number)
            time.sleep(ANSWER)
        return answer

    def _delay(self, path: str, number: int, *, is_ours: bool) -> None:
        """Wait from the notification of a push until its tag is written.

        Where some are `late`, that is so long that a push which was told later is written earlier, however busy the
        machine is. Never what we put back: it would wait for a later push that nobody makes, and hold up the others.
        """
        with self._lock:
            seconds, is_late = self._chance.uniform(0.04, 0.25), self._chance.random() < self.late
        time.sleep(seconds)
        deadline = time.monotonic() + LATEST
        while is_late and not is_ours and self._last.get(path, 0) < number and time.monotonic() < deadline:
            time.sleep(0.02)

    def _tell(self, repository: str, tag: str, headers: Any, body: bytes, address: str) -> int:
        with self._lock:
            self._told += 1
            number = self._told
            target = {"mediaType": headers["Content-Type"], "digest": Digest.of(body), "size": len(body)}
            request = {"addr": address, "method": "PUT", "useragent": headers.get("User-Agent", "")}
            self._queue.put(
                {
                    "id": str(uuid.uuid4()),
                    "timestamp": Time.now(),
                    "action": "push",
                    "target": target | {"repository": repository, "tag": tag},
                    "request": request,
                }
            )
        return number

    def _count(self, path: str, number: int) -> None:
        with self._lock:
            self.writes += 1
            self.crossed += number < self._last.get(path, 0)
            self._last[path] = max(number, self._last.get(path, 0))

    def _notify(self) -> None:
        """One event after the other, as a registry sends them."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        while (event := self._queue.get()) is not None:
            while not self._is_taken({"events": [event]}, headers):
                time.sleep(0.2)

    def _is_taken(self, envelope: dict[str, Any], headers: dict[str, str]) -> bool:
        try:
            return requests.post(self.receiver, json=envelope, headers=headers, timeout=2).ok
        except requests.RequestException:
            return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: SlowStore) -> None:
        self.store = store
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        address = "{}:{}".format(*self.client_address)
        answer = self.server.store.pass_on(self.command, self.path, self.headers, body, address)
        self.send_response(answer.status_code)
        for name in _PASSED_ON:
            if name in answer.headers:
                self.send_header(name, answer.headers[name].replace(self.server.store.behind, self.server.store.url))
        length = answer.headers["Content-Length"] if self.command == "HEAD" else str(len(answer.content))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the base class names them so

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
        """Say nothing."""
