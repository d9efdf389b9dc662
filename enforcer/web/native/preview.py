"""`/api/v1/policies/preview`: what a policy would do, before it does it."""

from __future__ import annotations

from typing import Literal, cast

from pydantic import Field

from enforcer import preview
from enforcer.policies.declaration import draft
from enforcer.times import Time
from enforcer.web.native import texts
from enforcer.web.native.models import PolicyDraft
from enforcer.web.native.operations import Answer, Call, Group
from enforcer.web.native.paging import LIMIT, Integer, Page, Query
from enforcer.web.native.texts import Shape
from enforcer.web.services import services

group = Group("preview")

_DAY = 86_400  # seconds

Kind = Literal["overwritten", "deleted"]


class ProtectedTag(Shape):
    """A tag that is there."""

    repository: texts.RepositoryText = Field(description="The repository, with its namespace.")
    tag: texts.TagText = Field(description="Name of the tag.")
    digest: texts.DigestText = Field(description="Digest that it would be protected with.")
    time: texts.TimeText = Field(description="Since when it has that digest.")


class Move(Shape):
    """Something that happened to a tag."""

    repository: texts.RepositoryText = Field(description="The repository, with its namespace.")
    tag: texts.TagText = Field(description="Name of the tag.")
    kind: Kind = Field(description="What was done to the tag.")
    time: texts.TimeText = Field(description="When it happened, by the registry's clock.")
    recorded: texts.DigestText = Field(description="Digest that would have stayed.")
    pushed: texts.DigestText | None = Field(description="Digest that was pushed, if one was.")
    actor: str = Field(description="User who did it, as far as the registry told.")
    address: str = Field(description="Address of the client, as far as the registry told.")
    user_agent: str = Field(description="What the client called itself.")


class ProtectedTags(Page[ProtectedTag]):
    """The first of the tags, by name."""


class Moves(Page[Move]):
    """The newest of the moves."""


class Preview(Shape):
    """The effect that a policy would have, and would have had."""

    tags: ProtectedTags = Field(description="Tags that are there and that it would protect.")
    moves: Moves = Field(description="What it would have undone, or only reported if its mode is observe.")


class PreviewQuery(Query):
    """How much is told."""

    days: Integer = Field(default=preview.DAYS, ge=1, le=3650, description="How far to look back, in days.")
    limit: Integer = Field(default=100, ge=1, le=LIMIT, description="Largest number of entries in each list.")


@group.operation("POST", "/policies/preview", query=PreviewQuery, body=PolicyDraft, answer=Preview, refusals=(404,))
def preview_policy(call: Call[PreviewQuery, PolicyDraft]) -> Answer:
    """Show what a policy would do.

    Nothing is changed. What was a violation of other policies anyway is not counted, and only what the history still
    holds can be told. Status 404 says that the registry is not configured.
    """
    here, query = services(), call.query
    here.stores.namespaces.registry(call.body.registry)
    since, asking = Time.now().plus(-query.days * _DAY), here.stores.policies.current().asking
    found = preview.preview(here.stores.ledger, draft(call.body), since, asking=asking)
    tags = [_tag(tag) for tag in found.tags[: query.limit]]
    moves = [_move(move) for move in found.moves[: query.limit]]
    return Answer(
        Preview(tags=ProtectedTags(items=tags, total=len(found.tags)), moves=Moves(items=moves, total=len(found.moves)))
    )


def _tag(tag: preview.ProtectedTag) -> ProtectedTag:
    name, record = tag.name, tag.record
    return ProtectedTag(repository=name.repository, tag=name.tag, digest=record.digest, time=record.time)


def _move(move: preview.Move) -> Move:
    event = move.event
    return Move(
        repository=move.name.repository,
        tag=move.name.tag,
        kind=cast("Kind", move.kind.value),
        time=event.time,
        recorded=move.recorded,
        pushed=event.digest if event.digest != move.recorded else None,
        actor=event.actor,
        address=event.address,
        user_agent=event.user_agent,
    )
