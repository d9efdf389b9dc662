"""Harbor's own API, as far as it is needed: the webhooks of a project, which make Harbor send its notifications."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from enforcer.errors import RegistryRefused
from enforcer.names import Namespace
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.transport import Answer, Request, Transport

PAGE = 100
"""Entries of a page; Harbor gives no more."""

LIST_LIMIT = 1024 * 1024
"""Bytes of a page of webhooks."""


class Done(StrEnum):
    """The step that made a webhook as it is wanted."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


class HarborWebhooks:
    """The webhooks of Harbor's projects. Every method raises `RegistryError`."""

    def __init__(self, endpoint: RegistryEndpoint) -> None:
        self._endpoint = endpoint
        self._transport = Transport(endpoint)
        login = f"{endpoint.username}:{endpoint.password}".encode()
        self._authorization = "Basic " + b64encode(login).decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._transport.close()

    def ensure(self, project: Namespace, wanted: Mapping[str, Any]) -> Done:
        """Make the project's webhook of that name what is wanted; other webhooks stay as they are."""
        known = next((webhook for webhook in self._list(project) if webhook.get("name") == wanted["name"]), None)
        if known is None:
            self._send("POST", project, "", f"creating a webhook of project {project}", wanted)
            return Done.CREATED
        if _is_as(known, wanted):
            return Done.UNCHANGED
        self._send("PUT", project, f"/{known['id']}", f"changing a webhook of project {project}", wanted)
        return Done.CHANGED

    def _list(self, project: Namespace) -> list[dict[str, Any]]:
        what, found, page = f"listing the webhooks of project {project}", [], 1
        while True:
            answer = self._send("GET", project, f"?page={page}&page_size={PAGE}", what)
            webhooks = _webhooks(answer, f"{what} in {self._endpoint.name}")
            found += webhooks
            if len(webhooks) < PAGE:
                return found
            page += 1

    def _send(
        self, method: str, project: Namespace, path: str, what: str, body: Mapping[str, Any] | None = None
    ) -> Answer:
        what = f"{what} in {self._endpoint.name}"
        request = Request(
            method=method,
            url=f"{self._endpoint.url}/api/v2.0/projects/{quote(project, safe='')}/webhook/policies{path}",
            what=what,
            # A project may be called 42, which Harbor would take for its number.
            headers={"Content-Type": "application/json", "X-Is-Resource-Name": "true"},
            body=None if body is None else json.dumps(body).encode(),
            limit=LIST_LIMIT,
        )
        answer = self._transport.send(request, self._authorization)
        if not 200 <= answer.status < 300:
            raise answer.error(what)
        return answer


def _webhooks(answer: Answer, what: str) -> list[dict[str, Any]]:
    try:
        listed = json.loads(answer.body)
    except (ValueError, RecursionError):
        listed = None
    webhooks = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else None
    if webhooks is None or not all(type(webhook.get("id")) is int for webhook in webhooks):
        raise RegistryRefused(f"{what}: the answer is no list of webhooks, so that is no Harbor: check kind and url")
    return webhooks


def _is_as(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """True if all that is wanted is there; Harbor adds fields of its own, to the webhook and to its target."""
    if any(known.get(name) != value for name, value in wanted.items() if name not in ("event_types", "targets")):
        return False
    if sorted(map(str, known.get("event_types") or ())) != sorted(wanted["event_types"]):
        return False
    targets = known.get("targets")
    if not isinstance(targets, list) or len(targets) != len(wanted["targets"]):
        return False
    pairs = zip(targets, wanted["targets"], strict=True)
    return all(isinstance(target, dict) and target.items() >= needed.items() for target, needed in pairs)
