"""What anybody would write first: a script that PUTs the kept manifest as soon as a notification comes."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from enforcer.manifests import OCI_MANIFEST
from enforcer.names import Digest


class BareScript:
    """Guards the tags of `kept`, by repository and tag; it remembers nothing and looks at nothing."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}
        self.registry_url = ""
        self._session = requests.Session()
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for event in json.loads(body)["events"]:
                    script.answer(event["target"])
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, pushed: dict[str, str]) -> None:
        """PUT what is kept, if another digest was pushed."""
        place = pushed["repository"], pushed.get("tag", "")
        content = self.kept.get(place)
        if content is not None and pushed.get("digest") != Digest.of(content):
            target = f"{self.registry_url}/v2/{place[0]}/manifests/{place[1]}"
            self._session.put(target, data=content, headers={"Content-Type": OCI_MANIFEST}, timeout=10)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
