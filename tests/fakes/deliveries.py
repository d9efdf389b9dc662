"""Notifications as one process of Distribution sends them: in order, one in flight, each until it is taken."""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import requests

_ENVELOPE = "application/vnd.docker.distribution.events.v1+json"
_PAUSE = 1.0
"""Seconds until a refused notification is sent again, as `backoff` in a registry's configuration says."""


class Deliveries:
    """The queue of one endpoint; `block` keeps everything in it back, as a network that is cut does.

    `taken` are the events that were sent, each with the monotonic time of its answer.
    """

    def __init__(self, endpoint: str, token: str) -> None:
        self._endpoint = endpoint
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": _ENVELOPE}
        self._waiting: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._open = threading.Event()
        self._open.set()
        self._unsent = 0
        self.taken: list[tuple[float, dict[str, Any]]] = []
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._thread.start()

    @property
    def pending(self) -> int:
        """Events that are not taken yet."""
        return self._unsent

    def block(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def append(self, event: dict[str, Any]) -> None:
        self._unsent += 1
        self._waiting.put(event)

    def stop(self) -> None:
        self._stopped.set()
        self._waiting.put(None)
        self._open.set()
        self._thread.join()

    def _send(self) -> None:
        while (event := self._waiting.get()) is not None:
            self._open.wait()
            while not self._stopped.is_set() and not self._is_taken(event):
                self._stopped.wait(_PAUSE)
            self.taken.append((time.monotonic(), event))
            self._unsent -= 1

    def _is_taken(self, event: dict[str, Any]) -> bool:
        body = json.dumps({"events": [event]}, indent=3)
        try:  # a connection for every event, as Distribution has it
            return requests.post(self._endpoint, data=body, headers=self._headers, timeout=5).status_code < 400
        except requests.RequestException:
            return False


def timestamp(seconds: float) -> str:
    """A time as Go writes it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def announcement(
    action: str, target: dict[str, Any], *, at: float, source: dict[str, str], request: dict[str, str], actor: str = ""
) -> dict[str, Any]:
    """One event, as docker-registry 2.8 writes it."""
    return {
        "id": str(uuid.uuid4()),
        "timestamp": timestamp(at),
        "action": action,
        "target": target,
        "request": {"id": str(uuid.uuid4()), **request},
        "actor": {"name": actor} if actor else {},
        "source": source,
    }
