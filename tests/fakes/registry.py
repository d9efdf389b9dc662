"""A registry in memory that speaks enough of `/v2/` over real HTTP on 127.0.0.1, and misbehaves when it is told to.

    with FakeRegistry() as registry:
        registry.put_manifest("team/app", "1.0", image("first"))
        client = RegistryClient(RegistryEndpoint(name=RegistryName("main"), url=registry.url))

Tests read and change its state directly (`manifests`, `tags`, `blobs`) and look at `requests`, the log of what was
asked, and at `headers`, with names in lower case, beside it.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from enforcer.manifests import MANIFEST_TYPES, OCI_MANIFEST, digest_of
from enforcer.names import Digest
from tests.fakes.images import SCHEMA_1

_MANIFEST = re.compile(r"/v2/(.+)/manifests/([^/]+)")
_BLOB = re.compile(r"/v2/(.+)/blobs/([^/]+)")
_TAGS = re.compile(r"/v2/(.+)/tags/list")


@dataclass(frozen=True)
class Reply:
    """One answer; `Content-Length` is added unless `headers` has one."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def errors(status: int, code: str, *details: object) -> Reply:
    """A registry's error answer, one entry for each detail."""
    entries = [{"code": code, "message": code.lower().replace("_", " "), "detail": each} for each in details or (None,)]
    return Reply(status, {"Content-Type": "application/json"}, json.dumps({"errors": entries}).encode())


@dataclass
class FakeRegistry:
    """Switches can be changed at any time.

    `basic` and `bearer` are (username, password) pairs. With `bearer`, `/token` of this server gives tokens that say
    they hold for `token_lifetime` seconds (None: do not say) and hold until `revoke_tokens`; `realm` is where clients
    are sent if not there, and `granted` are the actions that the account gets. `blobs` are the digests that images may
    name, None: any. `latency`, in seconds, goes before each answer.
    """

    basic: tuple[str, str] | None = None
    bearer: tuple[str, str] | None = None
    realm: str | None = None
    token_lifetime: float | None = 300
    granted: frozenset[str] = frozenset({"pull", "push"})
    blobs: set[str] | None = None
    read_only: bool = False
    latency: float = 0.0
    page_size: int = 1000
    manifests: dict[str, dict[str, tuple[str, bytes]]] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    most_at_once: int = 0
    """Requests that waited for their answers at the same time."""

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._failures: deque[Reply] = deque()
        self._tokens: dict[str, set[str]] = {}
        self._issued = 0
        self._waiting = 0
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def connections(self) -> int:
        """How many were opened so far."""
        return self._server.accepted

    @property
    def open_connections(self) -> int:
        return len(self._server.open)

    def stop(self) -> None:
        """Refuse new connections and break those that are open."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.close()

    def fail_with(
        self, status: int, headers: dict[str, str] | None = None, body: bytes = b"", *, times: int = 1
    ) -> None:
        """Answer the next requests, whatever they are, with this."""
        self._failures.extend([Reply(status, headers or {}, body)] * times)

    def put_manifest(self, repository: str, tag: str | None, content: bytes, media_type: str = OCI_MANIFEST) -> Digest:
        """Push without asking: for a test's beginning, or somebody else's overwrite."""
        digest = digest_of(content)
        with self.lock:
            self.manifests.setdefault(repository, {})[digest] = (media_type, content)
            if tag is not None:
                self.tags.setdefault(repository, {})[tag] = digest
        return digest

    def delete_manifest(self, repository: str, reference: str) -> bool:
        """Delete a tag, or a manifest with all its tags; False if there is none."""
        with self.lock:
            tags = self.tags.setdefault(repository, {})
            if ":" not in reference:
                return tags.pop(reference, None) is not None
            for tag in [tag for tag, digest in tags.items() if digest == reference]:
                del tags[tag]
            return self.manifests.get(repository, {}).pop(reference, None) is not None

    def tag_digest(self, repository: str, tag: str) -> Digest | None:
        """The digest that a tag has now."""
        digest = self.tags.get(repository, {}).get(tag)
        return None if digest is None else Digest(digest)

    def revoke_tokens(self) -> None:
        self._tokens.clear()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        """What the server says; `headers` have names in lower case."""
        with self.lock:
            self.requests.append((method, target))
            self.headers.append(headers)
            failure = self._failures.popleft() if self._failures else None
            self._waiting += 1
            self.most_at_once = max(self.most_at_once, self._waiting)
        time.sleep(self.latency)
        with self.lock:
            self._waiting -= 1
        if failure is not None:
            return failure
        url = urlsplit(target)
        with self.lock:
            if url.path == "/token":
                return self._token(headers, parse_qs(url.query))
            return self._challenge(method, url.path, headers) or self._route(method, target, headers, body)

    def _route(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/v2/":
            return Reply(200, {"Content-Type": "application/json"}, b"{}")
        if url.path == "/v2/_catalog":
            return self._page("/v2/_catalog", "repositories", sorted(self.manifests), query)
        if found := _TAGS.fullmatch(url.path):
            if found[1] not in self.manifests:
                return errors(404, "NAME_UNKNOWN", {"name": found[1]})
            return self._page(url.path, "tags", sorted(self.tags.get(found[1], {})), query)
        if found := _BLOB.fullmatch(url.path):
            known = self.blobs is None or found[2] in self.blobs
            return Reply(200) if known else errors(404, "BLOB_UNKNOWN", found[2])
        if found := _MANIFEST.fullmatch(url.path):
            return self._manifest(method, found[1], found[2], headers, body)
        return Reply(404, {"Content-Type": "text/plain; charset=utf-8"}, b"404 page not found\n")

    def _manifest(self, method: str, repository: str, reference: str, headers: dict[str, str], body: bytes) -> Reply:
        if method in ("GET", "HEAD"):
            return self._served(repository, reference, headers)
        if self.read_only:
            return Reply(405, {"Content-Type": "text/plain; charset=utf-8"}, b"Method not allowed\n")
        if method == "DELETE":
            known = self.delete_manifest(repository, reference)
            return Reply(202) if known else errors(404, "MANIFEST_UNKNOWN")
        return self._pushed(repository, reference, headers.get("content-type", ""), body)

    def _served(self, repository: str, reference: str, headers: dict[str, str]) -> Reply:
        digest = reference if ":" in reference else self.tags.get(repository, {}).get(reference)
        media_type, content = self.manifests.get(repository, {}).get(digest or "", ("", b""))
        if digest is None or media_type not in (*headers.get("accept", "").split(", "), SCHEMA_1):
            code = "MANIFEST_UNKNOWN" if repository in self.manifests else "NAME_UNKNOWN"
            return errors(404, code, reference)
        return Reply(200, {"Content-Type": media_type, "Docker-Content-Digest": digest}, content)

    def _pushed(self, repository: str, reference: str, media_type: str, body: bytes) -> Reply:
        try:
            fields = json.loads(body)
            named = [entry["digest"] for entry in [fields.get("config"), *fields.get("layers", ())] if entry]
            children = [entry["digest"] for entry in fields.get("manifests", ())]
        except (ValueError, KeyError, TypeError, AttributeError):
            return errors(400, "MANIFEST_INVALID")
        if media_type not in (*MANIFEST_TYPES, SCHEMA_1) or fields.get("mediaType", media_type) != media_type:
            return errors(400, "MANIFEST_INVALID")
        if fields.get("schemaVersion") != (1 if media_type == SCHEMA_1 else 2):
            return errors(400, "MANIFEST_INVALID")
        missing = [digest for digest in named if self.blobs is not None and digest not in self.blobs]
        missing += [digest for digest in children if digest not in self.manifests.get(repository, {})]
        if missing:
            return errors(400, "MANIFEST_BLOB_UNKNOWN", *missing)
        if ":" in reference and reference != digest_of(body):
            return errors(400, "DIGEST_INVALID")
        digest = self.put_manifest(repository, None if ":" in reference else reference, body, media_type)
        return Reply(201, {"Docker-Content-Digest": digest})

    def _page(self, path: str, key: str, names: list[str], query: dict[str, str]) -> Reply:
        size = min(int(query.get("n", self.page_size)), self.page_size)
        rest = [name for name in names if name > query.get("last", "")]
        headers = {"Content-Type": "application/json"}
        if len(rest) > size:
            target = urlencode({"last": rest[size - 1], "n": size})
            headers["Link"] = f'<http://registry.invalid{path}?{target}>; rel="next"'
        return Reply(200, headers, json.dumps({key: rest[:size] or None}).encode())

    def _challenge(self, method: str, path: str, headers: dict[str, str]) -> Reply | None:
        """The 401 for a request without the right header; None where all is well."""
        sent = headers.get("authorization", "")
        if self.basic is not None and sent != _basic(self.basic):
            return Reply(401, {"WWW-Authenticate": 'Basic realm="the registry, here"'})
        if self.bearer is None:
            return None
        needed = self._needed(method, path)
        if needed <= self._tokens.get(sent, set()) and sent in self._tokens:
            return None
        parts = [f'realm="{self.realm or self.url + "/token"}"', 'service="fake, registry"']
        if needed:
            resource = next(iter(needed)).rpartition(":")[0]
            parts.append(f'scope="{resource}:{",".join(sorted(each.rpartition(":")[2] for each in needed))}"')
        return Reply(401, {"WWW-Authenticate": "Bearer " + ",".join(parts)})

    def _needed(self, method: str, path: str) -> set[str]:
        if path == "/v2/_catalog":
            return {"registry:catalog:*"}
        found = _MANIFEST.fullmatch(path) or _BLOB.fullmatch(path) or _TAGS.fullmatch(path)
        actions = {"PUT": ("push", "pull"), "DELETE": ("delete",)}.get(method, ("pull",))
        return {f"repository:{found[1]}:{action}" for action in actions} if found else set()

    def _token(self, headers: dict[str, str], query: dict[str, list[str]]) -> Reply:
        assert self.bearer is not None
        if headers.get("authorization") != _basic(self.bearer):
            return errors(401, "UNAUTHORIZED")
        self._issued += 1
        token = f"token-{self._issued}"
        held = self._tokens.setdefault(f"Bearer {token}", set())
        for scope in query.get("scope", ()):
            resource, _, actions = scope.rpartition(":")
            held.update(f"{resource}:{each}" for each in actions.split(",") if each in self.granted or each == "*")
        fields: dict[str, Any] = {"token": token}
        if self.token_lifetime is not None:
            fields["expires_in"] = self.token_lifetime
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(fields).encode())


def _basic(account: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(account).encode()).decode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the usual 5, the first connections of many threads wait a second for their turn

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.open: set[Any] = set()
        self.accepted = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    def close(self) -> None:
        self.server_close()
        for connection in list(self.open):
            self.shutdown_request(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.accepted += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        self.server.open.add(self.request)
        super().setup()

    def finish(self) -> None:
        self.server.open.discard(self.request)
        super().finish()

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        reply = self.server.registry.answer(self.command, self.path, headers, body)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class names them so

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
        """The log is `requests`."""
