"""A registry in memory that tells of pushes and deletions like Distribution, through one or several processes.

    registry = NotifyingRegistry(endpoint, token, delay=1.5)
    replica = registry.replica(skew=-90)
    push_manifest(replica.url, "team/app", "1.0", image("first"))

First the event goes out, `delay` seconds later the tag is written, then the push is answered. Faults can be ordered for
requests of Tag Enforcer alone. Replicas share one storage; each has its own clock and its own queue of notifications.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import threading
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from enforcer.names import Digest
from tests.fakes.deliveries import Deliveries, announcement
from tests.fakes.registry import FakeRegistry, Reply, errors

_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_UPLOAD = re.compile(r"/v2/(.+)/blobs/uploads/([^/]*)")
_OURS = "tag-enforcer"


class Fault(Enum):
    """What happens instead of an answer."""

    HANG = "no answer for a minute"
    RESET = "the connection is reset"
    CUT_OFF = "an answer that ends before its length"


@dataclass(frozen=True)
class Request:
    """One that was asked, as it ended; `digest` is that of its body, `at` and `until` are monotonic."""

    replica: int
    method: str
    path: str
    user_agent: str
    digest: Digest
    status: int
    at: float
    until: float

    @property
    def is_ours(self) -> bool:
        return _OURS in self.user_agent


@dataclass
class NotifyingRegistry:
    """Switches can be changed at any time; `fault` and `latency` concern `faulty` requests of Tag Enforcer.

    `storage` has manifests, tags and the blobs that manifests may name. With `accounts`, names and their passwords, who
    asks has to log in.
    """

    endpoint: str
    token: str
    delay: float = 0.0
    fault: Fault | Reply | None = None
    latency: float = 0.0
    faulty: frozenset[str] = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
    accounts: dict[str, str] = field(default_factory=dict)
    storage: FakeRegistry = field(default_factory=lambda: FakeRegistry(blobs=set()))
    replicas: list[Replica] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ended = threading.Event()
        self.replica()

    @property
    def url(self) -> str:
        """That of the first process, which Tag Enforcer is told."""
        return self.replicas[0].url

    def replica(self, skew: float = 0.0) -> Replica:
        """One more process, whose clock is that many seconds ahead."""
        self.replicas.append(Replica(self, len(self.replicas), skew))
        return self.replicas[-1]

    def stop(self) -> None:
        self.ended.set()
        for replica in self.replicas:
            replica.stop()
        self.storage.stop()

    def pending(self) -> int:
        """Events that are not taken yet."""
        return sum(replica.deliveries.pending for replica in self.replicas)

    def puts(self, repository: str, tag: str) -> list[Request]:
        """The pushes of a tag by Tag Enforcer, oldest first."""
        path = f"/v2/{repository}/manifests/{tag}"
        return [each for each in self.requests if each.is_ours and (each.method, each.path) == ("PUT", path)]


class Replica:
    """A process of a registry: a port, a clock, and a queue of notifications."""

    def __init__(self, registry: NotifyingRegistry, number: int, skew: float) -> None:
        self.registry = registry
        self.number = number
        self.skew = skew
        self.deliveries = Deliveries(registry.endpoint, registry.token)
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.replica = self
        self.host = f"127.0.0.1:{self._server.server_port}"
        self.source = {"addr": f"registry-{number}:5000", "instanceID": str(uuid.uuid4())}
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def now(self) -> float:
        """What its clock says."""
        return time.time() + self.skew

    def stop(self) -> None:
        self.deliveries.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """What it says; `headers` have names in lower case."""
        accounts = self.registry.accounts
        if accounts and _credentials(headers) not in accounts.items():
            return Reply(401, {"WWW-Authenticate": 'Basic realm="the registry"'})
        if found := _UPLOAD.fullmatch(urlsplit(target).path):
            return self._uploaded(method, target, found[1], body)
        found = _MANIFEST.fullmatch(urlsplit(target).path)
        if found and method == "PUT":
            return self._pushed(found[1], found[2], target, headers, body)
        if found and method == "DELETE":
            return self._deleted(found[1], found[2], headers)
        return self.registry.storage.answer(method, target, headers, body)

    def _uploaded(self, method: str, target: str, repository: str, body: bytes) -> Reply:
        if method == "POST":
            return Reply(202, {"Location": f"{self.url}/v2/{repository}/blobs/uploads/{uuid.uuid4()}"})
        digest = parse_qs(urlsplit(target).query).get("digest", [""])[0]
        if digest != Digest.of(body) or self.registry.storage.blobs is None:
            return errors(400, "DIGEST_INVALID")
        self.registry.storage.blobs.add(digest)
        return Reply(201, {"Docker-Content-Digest": digest})

    def _pushed(self, repository: str, reference: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        storage, digest, media_type = self.registry.storage, Digest.of(body), headers.get("content-type", "")
        tag = None if ":" in reference else reference
        stored = target.removesuffix(reference) + (digest if tag else reference)
        reply = storage.answer("PUT", stored, headers, body)
        if reply.status != 201:
            return reply
        size = {"size": len(body), "length": len(body)}
        url = f"{self.url}/v2/{repository}/manifests/{digest}"
        what = {"mediaType": media_type, "digest": digest, "repository": repository, "url": url, **size}
        self._announce("push", what | ({"tag": tag} if tag else {}) | _references(body), headers)
        self.registry.ended.wait(self.registry.delay)
        storage.put_manifest(repository, tag, body, media_type)
        return reply

    def _deleted(self, repository: str, reference: str, headers: dict[str, str]) -> Reply:
        tags = self.registry.storage.tags.get(repository, {})
        lost = [tag for tag, digest in tags.items() if digest == reference]
        if not self.registry.storage.delete_manifest(repository, reference):
            return errors(404, "MANIFEST_UNKNOWN")
        if ":" in reference:
            self._announce("delete", {"digest": reference, "repository": repository}, headers)
        for tag in lost if ":" in reference else [reference]:
            self._announce("delete", {"repository": repository, "tag": tag}, headers)
        return Reply(202)

    def _announce(self, action: str, target: dict[str, Any], headers: dict[str, str]) -> None:
        request = {
            "addr": headers["x-forwarded-for"],
            "host": self.host,
            "method": "PUT" if action == "push" else "DELETE",
            "useragent": headers.get("user-agent", ""),
        }
        self.deliveries.append(
            announcement(
                action, target, at=self.now(), source=self.source, request=request, actor=_credentials(headers)[0]
            )
        )


def _references(manifest: bytes) -> dict[str, Any]:
    fields = json.loads(manifest)
    named = [*filter(None, [fields.get("config")]), *fields.get("layers", ()), *fields.get("manifests", ())]
    return {"references": [{key: each[key] for key in ("mediaType", "size", "digest")} for each in named]}


def _credentials(headers: dict[str, str]) -> tuple[str, str]:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    name, _, password = base64.b64decode(credentials if scheme == "Basic" else "").decode().partition(":")
    return name, password


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False
    replica: Replica

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_any(self) -> None:
        began, replica = time.monotonic(), self.server.replica
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers.setdefault("x-forwarded-for", "{}:{}".format(*self.client_address))
        agent = headers.get("user-agent", "")
        status = self._served(replica, headers, body, is_ours=_OURS in agent)
        replica.registry.requests.append(
            Request(replica.number, self.command, self.path, agent, Digest.of(body), status, began, time.monotonic())
        )

    def _served(self, replica: Replica, headers: dict[str, str], body: bytes, *, is_ours: bool) -> int:
        registry = replica.registry
        concerned = is_ours and self.command in registry.faulty
        if concerned:
            registry.ended.wait(registry.latency)
        if concerned and isinstance(registry.fault, Fault):
            return self._fail(registry.fault)
        reply = registry.fault if concerned else None
        reply = reply or replica.answer(self.command, self.path, headers, body)
        self._reply(reply)
        return reply.status

    def _fail(self, fault: Fault) -> int:
        self.close_connection = True
        if fault is Fault.HANG:
            self.server.replica.registry.ended.wait(60)
        elif fault is Fault.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())  # a shutdown would say goodbye first
        else:
            self._reply(Reply(200, {"Content-Length": "5000"}, b"a few bytes"))
        return 0

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of an answer, by the clock of this process."""
        return formatdate(self.server.replica.now() if timestamp is None else timestamp, usegmt=True)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class names them so

    def log_message(self, *_: object) -> None:
        """The log is `requests`."""
