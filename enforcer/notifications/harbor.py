"""Harbor's webhooks, in both of its payload formats: Default, and CloudEvents (since 2.8).

Source: Harbor's webhook handlers. Times are whole seconds; the default format has no id, so equal events count as
one. A `tag` that is a digest means that the artifact has none. A deletion names only the first tag of the artifact, so
it is read as the deletion of the digest, which concerns every tag recorded with it. Replication and retention name no
digests: they are a reason to look.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enforcer.errors import InvalidName, InvalidNotification
from enforcer.events import HARBOR, Action, Event, fingerprint
from enforcer.names import Digest, Namespace, RegistryName, Repository, Tag
from enforcer.notifications.parsing import ParsedNotification, Rejection, event_id, evidence, need, parse_json
from enforcer.times import Time

PUSHED, DELETED, REPLICATED, RETAINED = "push", "delete", "replication", "retention"

_KINDS = {
    "PUSH_ARTIFACT": PUSHED,
    "harbor.artifact.pushed": PUSHED,
    "DELETE_ARTIFACT": DELETED,
    "harbor.artifact.deleted": DELETED,
    "REPLICATION": REPLICATED,
    "harbor.replication.status.changed": REPLICATED,
    "TAG_RETENTION": RETAINED,
    "harbor.tag_retention.finished": RETAINED,
}
"""The types that concern tags; those of pulls, scans and quotas do not."""


@dataclass(frozen=True, slots=True)
class _Notice:
    """The facts that both formats give."""

    kind: str
    time: Time
    id: str
    operator: str
    data: Mapping[str, Any]


def read(body: bytes, registry: RegistryName) -> ParsedNotification:
    """Read one webhook call."""
    try:
        notice = _read_notice(parse_json(body))
        if notice is None:
            return ParsedNotification()
        if notice.kind in (PUSHED, DELETED):
            return ParsedNotification(events=_events(notice, registry))
        return ParsedNotification(suspects=_suspects(notice))
    except (InvalidNotification, InvalidName) as error:
        return ParsedNotification(rejected=(Rejection(str(error), body),))
    except RecursionError:  # as in distribution
        return ParsedNotification(rejected=(Rejection("JSON nested too deeply", body),))


def _read_notice(fields: Any) -> _Notice | None:
    kind = _KINDS.get(need(fields, "type", str, "payload"))
    if kind is None:
        return None
    operator = evidence(fields, "operator")
    # CloudEvents requires this attribute, and Harbor's own format has none of that name.
    if "specversion" in fields:
        time = Time(need(fields, "time", str, "payload"))
        return _Notice(kind, time, event_id(fields), operator, need(fields, "data", dict, "payload"))
    seconds = need(fields, "occur_at", int, "payload")
    time = Time.from_nanoseconds(seconds * 1_000_000_000)
    return _Notice(kind, time, fingerprint(fields), operator, need(fields, "event_data", dict, "payload"))


def _events(notice: _Notice, registry: RegistryName) -> tuple[Event, ...]:
    where = need(notice.data, "repository", dict, "event_data")
    repository = Repository(need(where, "repo_full_name", str, "event_data.repository"))
    resources = need(notice.data, "resources", list, "event_data")
    events = (_event(notice, registry, repository, resource) for resource in resources)
    return tuple(event for event in events if event is not None)


def _event(notice: _Notice, registry: RegistryName, repository: Repository, resource: Any) -> Event | None:
    digest = Digest(need(resource, "digest", str, "resource"))
    tag = need(resource, "tag", str, "resource")
    if notice.kind == PUSHED and (not tag or ":" in tag):
        return None  # pushed by digest: Harbor puts it where the tag would be
    return Event(
        registry=registry,
        action=Action(notice.kind),
        repository=repository,
        time=notice.time,
        # Of equal times the smaller id comes first: what is pushed in the second of its deletion is mostly our restore.
        id=notice.id if notice.kind == PUSHED else f"-{notice.id}",
        tag=Tag(tag) if notice.kind == PUSHED else None,
        digest=digest,
        actor=notice.operator,
        source=HARBOR,
    )


def _suspects(notice: _Notice) -> tuple[Namespace, ...]:
    if notice.kind == RETAINED:
        return (Namespace(need(notice.data.get("retention"), "project_name", str, "event_data.retention")),)
    replication = need(notice.data, "replication", dict, "event_data")
    if replication.get("job_status") == "Running":
        return ()  # its end is told as well, and only then is everything in place
    target = need(replication, "dest_resource", dict, "event_data.replication")
    namespace = need(target, "namespace", str, "event_data.replication.dest_resource")
    return (Namespace(namespace.partition("/")[0]),)
