"""`POST /notifications/<registry>`: the receiver of pushes and deletions.

A registry tries again, and holds back all later events, for every status from 400 on. So the right token gets
202, whatever was sent: what is not understood becomes a dead letter. Only an event that is not yet in Redis is
refused.
"""

from __future__ import annotations

import hmac
import logging
import threading

from flask import Blueprint, Response, abort, request
from redis import RedisError
from werkzeug.datastructures import WWWAuthenticate

from enforcer.alerts.message import Alert, Severity
from enforcer.alerts.outbox import Alerts
from enforcer.events import Event
from enforcer.names import RegistryName
from enforcer.notifications import distribution, harbor
from enforcer.notifications.parsing import ParsedNotification, Rejection
from enforcer.settings.registry import RegistrySettings
from enforcer.store.log import DeadLetter
from enforcer.store.wakeups import Task
from enforcer.times import Time
from enforcer.web.body import read_beginning
from enforcer.web.services import Services, services

logger = logging.getLogger(__name__)
blueprint = Blueprint("notifications", __name__)

_FORMATS = {"distribution": distribution.read, "harbor": harbor.read}

_LONG = 4 * 1024 * 1024
"""Bytes; an event of a usual manifest has two thousand."""

_LONGEST_TURN = 5
"""Seconds for which a long notification waits for another one."""

_long_ones = threading.Lock()

_QUIET = 3600
"""Seconds between two alerts about the dead letters of one registry."""


@blueprint.post("/notifications/<registry>")
def receive(registry: str) -> tuple[Response, int]:
    """Accept a notification: read it, put its events into the log, wake a drain."""
    here = services()
    known = {str(name): settings for name, settings in here.settings.registries.items()}.get(registry)
    # An unknown registry is answered like a wrong token: which names are configured is no stranger's business.
    if not _is_authentic(known) or known is None:
        wanted = "the Authorization header must be 'Bearer' and the registry's notification token"
        abort(401, wanted, www_authenticate=WWWAuthenticate("bearer"))
    name = RegistryName(registry)
    parsed = _read_by_turns(name, known, here.settings.notification_limit)
    if parsed.rejected:
        _bury(here, name, parsed)
    if parsed.suspects or parsed.rejected:
        _suspect(here, name, parsed)
    # Last, so that no failing step comes between the flag that it raises and the job that the flag promises.
    events = [*parsed.events, *_settling(here, parsed)]
    must_wake = here.stores.log.append(events) if events else False
    answer = Response(status=202)
    if must_wake:
        answer.call_on_close(lambda: _wake(here))  # the registry, which sends one event at a time, is not kept waiting
    return answer, 202


def _is_authentic(registry: RegistrySettings | None) -> bool:
    """True if the request carries a token of the registry; takes as long whatever is wrong with it."""
    header = request.headers.get("Authorization", "").encode("latin-1")  # the bytes that were sent, as WSGI has it
    given = header.removeprefix(b"Bearer ").strip()
    tokens = [registry.notification_token, registry.notification_token_previous] if registry else [None, None]
    matches = [
        hmac.compare_digest(given, token.get_secret_value().encode() if token else b"") and token is not None
        for token in tokens
    ]
    return any(matches)


def _read_by_turns(registry: RegistryName, settings: RegistrySettings, limit: int) -> ParsedNotification:
    """Read the notification; of long ones, each of which takes several times its size, one at a time."""
    length = request.content_length
    if length is not None and length <= _LONG:
        return _read(registry, settings, limit)
    # A sender that is slow keeps the others for a while, not for ever.
    is_alone = _long_ones.acquire(timeout=_LONGEST_TURN)
    try:
        return _read(registry, settings, limit)
    finally:
        if is_alone:
            _long_ones.release()


def _read(registry: RegistryName, settings: RegistrySettings, limit: int) -> ParsedNotification:
    body = read_beginning(limit)
    if len(body) > limit:
        return ParsedNotification(
            rejected=(Rejection(f"an event was too long: over notification_limit, {limit} bytes", body),)
        )
    try:
        return _FORMATS[settings.kind](body, registry)
    except Exception as error:  # a bug of ours must not make the registry hold back all later events
        logger.exception("reading a notification of %s failed", registry)
        return ParsedNotification(rejected=(Rejection(f"it cannot be read: {type(error).__name__}", body),))


def _settling(here: Services, parsed: ParsedNotification) -> list[Event]:
    """The pushes by digest that may decide whether an index takes a tag over; of all others nothing is kept."""
    if not parsed.untagged:
        return []
    policies = here.stores.policies.current()
    return [event for event in parsed.untagged if policies.lets_settle(event.registry, event.repository)]


def _bury(here: Services, registry: RegistryName, parsed: ParsedNotification) -> None:
    for rejected in parsed.rejected:
        logger.warning("a notification of %s is not understood: %s", registry, rejected.reason)
    here.stores.log.dead_letter(DeadLetter(registry, rejected.reason, rejected.content) for rejected in parsed.rejected)
    if here.stores.redis.set(f"te:dead-letters:told:{registry}", 1, nx=True, ex=_QUIET):
        reason = parsed.rejected[0].reason
        stores = here.stores
        Alerts(stores.alerts, stores.wakeups, here.settings.alerts).announce([_alert(registry, reason)])


def _suspect(here: Services, registry: RegistryName, parsed: ParsedNotification) -> None:
    """Have the registry looked at, or those namespaces of it, since something happened that no event tells."""
    if parsed.rejected:
        here.stores.sweep_requests.ask(registry)
    else:
        here.stores.sweeps.add((f"{registry}/{namespace}", "") for namespace in parsed.suspects)
        here.stores.wakeups.wake(Task.SWEEP)


def _alert(registry: RegistryName, reason: str) -> Alert:
    return Alert(
        id=f"dead-letters-{registry}-{Time.now()}",
        kind="dead letters",
        severity=Severity.WARNING,
        text=f"{registry} sends notifications that are not understood ({reason}); see enforcer dead-letters",
        details={"registry": registry, "reason": reason},
    )


def _wake(here: Services) -> None:
    """The event is safe by now: if this fails, the timer of the workers wakes a drain."""
    try:
        here.stores.wakeups.enqueue(Task.DRAIN)
    except RedisError as error:
        logger.warning("no drain could be woken, the timer will: %s", error)
