"""`/api/v1/violations`."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from enforcer import times
from enforcer.errors import NotFound
from enforcer.judgement import violation as stored
from enforcer.judgement.violation import Filter, State
from enforcer.web.native import texts
from enforcer.web.native.operations import Answer, Call, Group, NoBody
from enforcer.web.native.paging import Page, PageQuery, Query, link_to_next
from enforcer.web.native.texts import Shape
from enforcer.web.services import services

group = Group("violations")


class Violation(Shape):
    """An immutable tag was changed."""

    id: str = Field(description="Id of the violation.")
    registry: texts.RegistryText = Field(description="Name of the registry.")
    repository: texts.RepositoryText = Field(description="The repository, with its namespace.")
    tag: texts.TagText = Field(description="Name of the tag.")
    kind: Literal["overwritten", "deleted"] = Field(description="What was done to the tag.")
    recorded: texts.DigestText = Field(description="Digest that the tag must have.")
    pushed: texts.DigestText | None = Field(description="Digest that was pushed instead, if one was.")
    time: texts.TimeText = Field(description="When it happened, by the registry's clock.")
    event_id: str = Field(description="Id of the registry's event.")
    actor: str = Field(description="User who did it, as far as the registry told.")
    address: str = Field(description="Address of the client, as far as the registry told.")
    user_agent: str = Field(description="What the client called itself.")
    policies: list[int] = Field(description="Ids of the policies that it violates.")
    state: State = Field(description="What became of it.")
    exposure: int | None = Field(description="Milliseconds until the recorded digest was back; null while it is not.")
    restores: int = Field(description="How often the recorded digest was put back.")
    problem: str = Field(description="Why it is not restored; empty if nothing is in the way.")
    original_time: texts.TimeText | None = Field(description="When the recorded digest was pushed; null if unknown.")
    original_actor: str = Field(description="User who pushed it, as far as the registry told.")
    original_address: str = Field(description="Address of that client, as far as the registry told.")
    closed: texts.TimeText | None = Field(description="When it came to its end; null while it is open.")

    @classmethod
    def of(cls, violation: stored.Violation) -> Self:
        """The violation as the API shows it."""
        fields = violation.as_dict()
        return cls(**{name: fields[name] for name in cls.model_fields})


class ViolationPage(Page[Violation]):
    """Some of the violations, newest first."""


class ViolationQuery(PageQuery):
    """Which violations are asked for."""

    registry: texts.RegistryName | None = Field(default=None, description="Only those in this registry.")
    repository: texts.Repository | None = Field(default=None, description="Only those in this repository.")
    state: State | None = Field(default=None, description="Only those in this state.")
    since: texts.Time | None = Field(default=None, description="Only those that happened at this time or later.")


@group.operation("GET", "/violations", query=ViolationQuery, body=NoBody, answer=ViolationPage, paged=True)
def list_violations(call: Call[ViolationQuery, NoBody]) -> Answer:
    """List violations, newest first."""
    query = call.query
    wanted = Filter(
        registry=query.registry,
        repository=query.repository,
        state=query.state,
        since=times.Time(query.since) if query.since else None,
    )
    total, found = services().stores.violations.page(wanted, limit=query.limit, offset=query.offset)
    page = ViolationPage(items=[Violation.of(violation) for violation in found], total=total)
    return Answer(page, link_to_next(query, total))


@group.operation("GET", "/violations/{violation_id}", query=Query, body=NoBody, answer=Violation, refusals=(404,))
def get_violation(call: Call[Query, NoBody]) -> Answer:
    """Show a violation."""
    violation_id = call.path["violation_id"]
    found = services().stores.violations.get(violation_id)
    if found is None:
        raise NotFound(f"there is no violation {violation_id[:64]!r}", "violation")
    return Answer(Violation.of(found))
