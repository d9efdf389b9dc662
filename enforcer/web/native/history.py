"""`/api/v1/registries/<registry>/history`: every digest that a tag had.

The order and the vocabulary are those of the tag-history extension that is proposed for the OCI distribution
specification (distribution-spec#606): newest first, deletions included, still there when the tag is gone, and a
deletion shown with the digest that the tag had.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from enforcer.errors import NotFound
from enforcer.events import Action
from enforcer.ledger.record import Decision, Entry
from enforcer.names import Repository, Tag, TagName
from enforcer.web.native.operations import Answer, Call, Group, NoBody
from enforcer.web.native.paging import Page, PageQuery, cut, link_to_next
from enforcer.web.native.shape import Shape
from enforcer.web.native.texts import DigestText, TimeText
from enforcer.web.services import services

group = Group("history")


class HistoryEntry(Shape):
    """One push or deletion of a tag, and what was decided of it."""

    time: TimeText = Field(description="When it happened, by the registry's clock.")
    action: Action = Field(description="What somebody did.")
    digest: DigestText | None = Field(description="Digest that was pushed, or that the tag had when it was deleted.")
    media_type: str = Field(description="Media type of what was pushed, as far as the registry told.")
    actor: str = Field(description="User who did it, as far as the registry told.")
    address: str = Field(description="Address of the client, as far as the registry told.")
    user_agent: str = Field(description="What the client called itself.")
    decision: Decision = Field(description="What it meant for the tag.")
    policies: list[int] = Field(description="Ids of the policies that protected the tag against it.")
    recorded: DigestText | None = Field(description="Digest that the tag was recorded with from then on.")
    late: bool = Field(description="Whether it was heard of too late to change anything.")


class HistoryPage(Page[HistoryEntry]):
    """Some of the history of a tag, newest entry first."""


@group.operation(
    "GET",
    "/registries/{registry}/history/{repository}/{tag}",
    query=PageQuery,
    body=NoBody,
    answer=HistoryPage,
    paged=True,
    refusals=(404,),
)
def show_history(call: Call[PageQuery, NoBody]) -> Answer:
    """Show every digest that a tag had, newest first.

    Deletions are part of it, and it is still there when the tag is gone. The slashes of the repository may stand as
    they are.
    """
    here = services()
    registry = here.namespaces.registry(call.path["registry"])
    name = TagName(registry, Repository(call.path["repository"]), Tag(call.path["tag"]))
    entries = here.ledger.history(name)
    if not entries:
        raise NotFound(f"{registry} has never said anything of {name.reference}", "tag")
    page = cut(_shown(entries), call.query)
    return Answer(HistoryPage(items=list(page), total=len(entries)), link_to_next(call.query, len(entries)))


def _shown(entries: Sequence[Entry]) -> list[HistoryEntry]:
    """The entries, newest first, from those of the ledger, whose newest is the last."""
    found: list[HistoryEntry] = []
    before = None
    for entry in entries:
        found.append(_entry(entry, before))
        if not entry.late:
            before = entry.record.digest if entry.record else None
    return found[::-1]


def _entry(entry: Entry, before: str | None) -> HistoryEntry:
    event = entry.event
    return HistoryEntry(
        time=event.time,
        action=event.action,
        digest=event.digest or before,
        media_type=event.media_type,
        actor=event.actor,
        address=event.address,
        user_agent=event.user_agent,
        decision=entry.decision,
        policies=list(entry.protection.policies) if entry.protection else [],
        recorded=entry.record.digest if entry.record else None,
        late=entry.late,
    )
