"""`/api/v1/registries/<registry>/history`: every digest that a tag had.

The order and the vocabulary are those of the tag-history extension that is proposed for the OCI distribution
specification (distribution-spec#606): newest first, deletions included, still there when the tag is gone, and a
deletion shown with the digest that the tag had.
"""

from __future__ import annotations

from pydantic import Field

from enforcer.errors import NotFound
from enforcer.events import Action
from enforcer.judgement.history import newest_first
from enforcer.judgement.record import Decision
from enforcer.names import Repository, Tag, TagName
from enforcer.web.native.operations import Answer, Call, Group, NoBody
from enforcer.web.native.paging import Page, PageQuery, cut, link_to_next
from enforcer.web.native.texts import DigestText, Shape, TimeText
from enforcer.web.services import services

group = Group("history")


class HistoryEntry(Shape):
    """One push, deletion or approval of a tag, and what was decided of it."""

    id: str = Field(description="Id of the registry's event, or of the approval.")
    time: TimeText = Field(description="When it happened, by the registry's clock.")
    action: Action = Field(description="Kind of the change.")
    digest: DigestText | None = Field(description="Digest that was pushed, or that the tag had when it was deleted.")
    media_type: str = Field(description="Media type of what was pushed, as far as the registry told.")
    actor: str = Field(description="User who did it, as far as the registry told.")
    address: str = Field(description="Address of the client, as far as the registry told.")
    user_agent: str = Field(description="What the client called itself.")
    reason: str = Field(description="Why an operator approved it; empty for what clients did.")
    decision: Decision = Field(description="What it meant for the tag.")
    policies: list[int] = Field(description="Ids of the policies that protected the tag against it.")
    bypassed: list[int] = Field(description="Ids of the policies that would have, had the actor not been exempt.")
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
    registry = here.stores.namespaces.registry(call.path["registry"])
    name = TagName(registry, Repository(call.path["repository"]), Tag(call.path["tag"]))
    entries = here.stores.ledger.history(name)
    if not entries:
        raise NotFound(f"no history for {name.reference} in {registry}", "tag")
    items = [HistoryEntry(**line.as_dict()) for line in cut(newest_first(entries), call.query)]
    return Answer(HistoryPage(items=items, total=len(entries)), link_to_next(call.query, len(entries)))
