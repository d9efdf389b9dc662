"""A Harbor on 127.0.0.1: its projects, webhooks and sender, in front of a registry that holds the manifests.

    with FakeHarbor(registry.url) as harbor:
        requests.put(f"{harbor.url}/v2/library/app/manifests/1.0", auth=("ci", "ci"), ...)

Like Harbor it tells nothing of what is done behind its back: a tag that is pushed to the registry below has moved
without an event. Its times are whole seconds, and a deletion names the first tag alone.
"""

from __future__ import annotations

import base64
import json
import queue
import re
import threading
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import requests

from enforcer.manifests import ACCEPT
from enforcer.names import Digest
from tests.fakes.registry import Reply

_WEBHOOKS = re.compile(r"/api/v2\.0/projects/([^/]+)/webhook/policies(?:/(\d+))?")
_MANIFEST = re.compile(r"/v2/([^/]+)/(.+)/manifests/([^/]+)")
_EVENT_TYPES = {"PUSH_ARTIFACT": "harbor.artifact.pushed", "DELETE_ARTIFACT": "harbor.artifact.deleted"}
_PASSED_ON = ("Content-Type", "Accept", "Accept-Encoding", "Location", "Docker-Content-Digest", "Range")
ATTEMPTS = 3


class FakeHarbor:
    """`webhooks` are those of each project, `accounts` who may log in, `admins` those who may manage webhooks.

    `requests` is what was asked of its API, `refused` each payload that no webhook took.
    """

    def __init__(self, registry: str, *, projects: tuple[str, ...] = ("library",)) -> None:
        self.registry = registry
        self.accounts = {"admin": "admin", "enforcer": "swordfish", "ci": "ci"}
        self.admins = {"admin", "enforcer"}
        self.webhooks: dict[str, list[dict[str, Any]]] = {project: [] for project in projects}
        self.requests: list[tuple[str, str]] = []
        self.refused: list[dict[str, Any]] = []
        self._ids = iter(range(1, 1_000_000))
        self._queue: queue.SimpleQueue[tuple[dict[str, Any], dict[str, Any]] | None] = queue.SimpleQueue()
        self._server = _Server(self)
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True),
            threading.Thread(target=self._send_all, daemon=True),
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

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        """What the server says."""
        url = urlsplit(target)
        user = self._user(headers)
        if found := _WEBHOOKS.fullmatch(url.path):
            self.requests.append((method, target))
            return self._manage(method, found[1], found[2], parse_qs(url.query), user, body)
        if user is None and method not in ("GET", "HEAD"):
            challenge = {"WWW-Authenticate": 'Basic realm="harbor"'}
            return _error(401, "UNAUTHORIZED", "unauthorized to access repository", challenge)
        if found := _MANIFEST.fullmatch(url.path):
            return self._manifest(method, found[1], found[2], found[3], target, headers, body, user or "")
        return self._pass_on(method, target, headers, body)

    def _user(self, headers: Any) -> str | None:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        name, _, password = base64.b64decode(token).decode().partition(":")
        return name if self.accounts.get(name) == password else None

    def _manage(
        self, method: str, project: str, number: str | None, query: dict[str, list[str]], user: str | None, body: bytes
    ) -> Reply:
        if user is None:
            return _error(401, "UNAUTHORIZED", "unauthorized")
        if user not in self.admins or project not in self.webhooks:
            return _error(403, "FORBIDDEN", f"forbidden: project {project}")
        webhooks = self.webhooks[project]
        if method == "GET":
            page, size = (int(query.get(name, [default])[0]) for name, default in (("page", "1"), ("page_size", "10")))
            return Reply(200, {}, json.dumps(webhooks[(page - 1) * size : page * size]).encode())
        given = json.loads(body)
        if method == "PUT":
            place = next(place for place, known in enumerate(webhooks) if str(known["id"]) == number)
            webhooks[place] = given | {"id": webhooks[place]["id"], "project_id": 1}
            return Reply(200)
        if any(known["name"] == given["name"] for known in webhooks):
            return _error(409, "CONFLICT", "notification policy named tag-enforcer already exists")
        webhooks.append(given | {"id": next(self._ids), "project_id": 1, "creator": user})
        return Reply(201, {"Location": f"/api/v2.0/projects/{project}/webhook/policies/{webhooks[-1]['id']}"})

    def _manifest(
        self,
        method: str,
        project: str,
        name: str,
        reference: str,
        target: str,
        headers: Any,
        body: bytes,
        user: str,
    ) -> Reply:
        if method == "DELETE" and ":" not in reference:
            return _error(400, "UNSUPPORTED", "deleting by tag is not supported")
        tags = self._tags(f"{project}/{name}", reference) if method == "DELETE" else []
        reply = self._pass_on(method, target, headers, body)
        if method == "PUT" and reply.status == 201:
            self._publish("PUSH_ARTIFACT", project, name, Digest.of(body), reference, user)
        if method == "DELETE" and reply.status == 202:
            self._publish("DELETE_ARTIFACT", project, name, reference, tags[0] if tags else reference, user)
        return reply

    def _tags(self, repository: str, digest: str) -> list[str]:
        """The tags of a manifest, in no order that matters."""
        listed = requests.get(f"{self.registry}/v2/{repository}/tags/list", timeout=10).json().get("tags") or []
        return [tag for tag in listed if self._digest(repository, tag) == digest]

    def _digest(self, repository: str, tag: str) -> str | None:
        address = f"{self.registry}/v2/{repository}/manifests/{tag}"
        return requests.head(address, headers={"Accept": ACCEPT}, timeout=10).headers.get("Docker-Content-Digest")

    def _pass_on(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        passed = {name: headers[name] for name in _PASSED_ON if name in headers}
        answer = requests.request(
            method, self.registry + target, headers=passed, data=body, timeout=30, allow_redirects=False
        )
        told = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        if "Location" in told:
            told["Location"] = told["Location"].replace(self.registry, self.url)
        if method == "HEAD" and "Content-Length" in answer.headers:
            told["Content-Length"] = answer.headers["Content-Length"]
        return Reply(answer.status_code, told, answer.content)

    def _publish(self, event: str, project: str, name: str, digest: str, tag: str, user: str) -> None:
        mark = "@" if ":" in tag else ":"
        address = f"{urlsplit(self.url).netloc}/{project}/{name}{mark}{tag}"
        place = {"name": name, "namespace": project, "repo_full_name": f"{project}/{name}", "repo_type": "public"}
        data = {"resources": [{"digest": digest, "tag": tag, "resource_url": address}], "repository": place}
        self.tell(project, event, data, user)

    def tell(self, project: str, event: str, data: dict[str, Any], user: str = "admin") -> None:
        """Send an event to the webhooks of a project that want it; CloudEvents, as `registry-config` asks for."""
        for webhook in self.webhooks.get(project, []):
            if not webhook["enabled"] or event not in webhook["event_types"]:
                continue
            for target in webhook["targets"]:
                assert target["payload_format"] == "CloudEvents"
                self._queue.put((target, _cloud_event(event, webhook["id"], data, user)))

    def _send_all(self) -> None:
        """Deliver one after the other; what is refused three times is dropped for good."""
        while (item := self._queue.get()) is not None:
            target, payload = item
            headers = {"Content-Type": "application/cloudevents+json", "Authorization": target["auth_header"]}
            for _ in range(ATTEMPTS):
                try:
                    answer = requests.post(target["address"], json=payload, headers=headers, timeout=3)
                except requests.RequestException:
                    continue
                if answer.ok:
                    break
            else:
                self.refused.append(payload)


def _cloud_event(event: str, webhook: int, data: dict[str, Any], user: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": f"/projects/1/webhook/policies/{webhook}",
        "type": _EVENT_TYPES.get(event, "harbor.tag_retention.finished"),
        "datacontenttype": "application/json",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "data": data,
        "operator": user,
        "requestid": str(uuid.uuid4()),
    }


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Reply:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    return Reply(status, {"Content-Type": "application/json"} | (headers or {}), body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, harbor: FakeHarbor) -> None:
        self.harbor = harbor
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        reply = self.server.harbor.answer(self.command, self.path, self.headers, body)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - the base class names them so

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as above
        """The log is `requests`."""
