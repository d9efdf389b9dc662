"""`/api/v1/audit`: who changed what."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from enforcer.web.native.operations import Answer, Call, Group, NoBody
from enforcer.web.native.paging import LIMIT, Integer, Page, Query, link
from enforcer.web.native.texts import Shape, TimeText
from enforcer.web.services import services

group = Group("audit")

EntryId = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,14}-[0-9]{1,15}$")]


class AuditEntry(Shape):
    """One change."""

    id: EntryId = Field(description="Id of the entry; `before` takes it.")
    time: TimeText = Field(description="When it was made.")
    what: str = Field(description="What was done.")
    by: str = Field(description="Who did it: an account, cli: and a login name, or settings.")
    reason: str = Field(description="Why, if that was said.")
    before: dict[str, Any] | None = Field(description="What was there before; null if nothing was.")
    after: dict[str, Any] | None = Field(description="What was there afterwards; null if nothing was.")


class AuditPage(Page[AuditEntry]):
    """Some of the changes, newest first."""


class AuditQuery(Query):
    """Which entries are asked for."""

    limit: Integer = Field(default=100, ge=1, le=LIMIT, description="Largest number of entries in the answer.")
    before: EntryId | None = Field(default=None, description="Only entries that are older than the one with this id.")


@group.operation("GET", "/audit", query=AuditQuery, body=NoBody, answer=AuditPage, paged=True)
def list_audit(call: Call[AuditQuery, NoBody]) -> Answer:
    """List the changes that people and programs made, newest first."""
    query, audit = call.query, services().stores.audit
    found = list(audit.newest(query.limit + 1, before=query.before))
    items = [
        AuditEntry(
            id=entry.id,
            time=entry.time,
            what=entry.what,
            by=entry.by,
            reason=entry.reason,
            before=entry.before,
            after=entry.after,
        )
        for entry in found[: query.limit]
    ]
    following = [link(before=items[-1].id)] if len(found) > query.limit else []
    return Answer(AuditPage(items=items, total=len(audit)), following)
