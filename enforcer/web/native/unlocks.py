"""`/api/v1/registries/<registry>/unlocks`: tags that may be moved and deleted for a while."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from enforcer.errors import NotFound
from enforcer.names import RegistryName
from enforcer.policies import unlock as stored
from enforcer.policies.declaration import PatternText
from enforcer.times import Time
from enforcer.validation.fields import Table
from enforcer.web.native import texts
from enforcer.web.native.operations import PREFIX, Answer, Call, Group, NoBody
from enforcer.web.native.paging import Page, PageQuery, Query, cut, link_to_next
from enforcer.web.native.texts import Shape
from enforcer.web.services import services

group = Group("unlocks")


class UnlockDraft(Table):
    """The tags to unlock, and for how long."""

    repositories: PatternText = Field(
        description="Pattern for the repository with its namespace, unlike in policies, or a list of patterns."
    )
    tags: PatternText = Field(description="Pattern for the tag, or a list of patterns.")
    seconds: int = Field(ge=1, le=stored.LONGEST, description="How long, from now on.")
    reason: texts.Reason = Field(description="Why; the audit keeps it.")


class Unlock(Shape):
    """Tags that may be moved and deleted for a while."""

    id: int = Field(description="Number of the unlock.")
    registry: texts.RegistryText = Field(description="Name of the registry.")
    repositories: str = Field(description="Pattern for the repository with its namespace.")
    tags: str = Field(description="Pattern for the tag.")
    begins: texts.TimeText = Field(description="What happened earlier is judged as if it was not there.")
    ends: texts.TimeText = Field(description="From when on the tags are protected again, as they are then.")
    by: str = Field(description="Who unlocked them: an account, or cli: and a login name.")
    reason: str = Field(description="Why.")
    state: Literal["active", "ended"] = Field(description="Whether it is in force now.")

    @classmethod
    def of(cls, unlock: stored.Unlock, now: Time) -> Self:
        """The unlock as the API shows it at that time."""
        return cls(**unlock.as_dict(), state="active" if unlock.is_in_force(now) else "ended")


class UnlockPage(Page[Unlock]):
    """Some of the unlocks, newest first."""


class UnlockQuery(PageQuery):
    """Which unlocks are asked for."""

    state: Literal["active", "ended"] | None = Field(default=None, description="Only those in this state.")


@group.operation(
    "GET",
    "/registries/{registry}/unlocks",
    query=UnlockQuery,
    body=NoBody,
    answer=UnlockPage,
    paged=True,
    refusals=(404,),
)
def list_unlocks(call: Call[UnlockQuery, NoBody]) -> Answer:
    """List unlocks, newest first.

    One that ended is forgotten after 30 days; the audit remembers it for longer.
    """
    query, now = call.query, Time.now()
    shown = (Unlock.of(unlock, now) for unlock in _unlocks(_registry(call)))
    found = [unlock for unlock in shown if query.state in (None, unlock.state)]
    return Answer(UnlockPage(items=list(cut(found, query)), total=len(found)), link_to_next(query, len(found)))


@group.operation(
    "POST",
    "/registries/{registry}/unlocks",
    query=Query,
    body=UnlockDraft,
    answer=Unlock,
    status=201,
    changes=True,
    refusals=(404,),
)
def create_unlock(call: Call[Query, UnlockDraft]) -> Answer:
    """Let tags be moved and deleted for a while.

    They are protected again by themselves; what a tag is then becomes its record.
    """
    registry, wanted, now = _registry(call), call.body, Time.now()
    unlock = stored.Unlock.parse(
        registry,
        f"{wanted.repositories}:{wanted.tags}",
        seconds=wanted.seconds,
        now=now,
        by=call.account.name,
        reason=wanted.reason,
    )
    made = services().stores.unlocks.unlock(unlock)
    return Answer(Unlock.of(made, now), [("Location", f"{PREFIX}/registries/{registry}/unlocks/{made.id}")])


@group.operation(
    "GET", "/registries/{registry}/unlocks/{unlock_id}", query=Query, body=NoBody, answer=Unlock, refusals=(404,)
)
def get_unlock(call: Call[Query, NoBody]) -> Answer:
    """Show an unlock."""
    return Answer(Unlock.of(_unlock(call), Time.now()))


@group.operation(
    "DELETE",
    "/registries/{registry}/unlocks/{unlock_id}",
    query=Query,
    body=NoBody,
    answer=None,
    status=204,
    changes=True,
    refusals=(404,),
)
def end_unlock(call: Call[Query, NoBody]) -> Answer:
    """End an unlock early.

    It is still listed afterwards, as ended.
    """
    unlock = _unlock(call)
    # One that has ended is answered alike, so that a client may send its request again.
    if unlock.is_in_force(Time.now()):
        services().stores.unlocks.lock(unlock.id, call.account.name)
    return Answer(None)


def _registry(call: Call[Query, UnlockDraft] | Call[UnlockQuery, NoBody] | Call[Query, NoBody]) -> RegistryName:
    return services().stores.namespaces.registry(call.path["registry"])


def _unlocks(registry: RegistryName) -> list[stored.Unlock]:
    found = [unlock for unlock in services().stores.policies.current().unlocks if unlock.registry == registry]
    return sorted(found, key=lambda unlock: unlock.id, reverse=True)


def _unlock(call: Call[Query, NoBody]) -> stored.Unlock:
    registry, unlock_id = _registry(call), int(call.path["unlock_id"])
    for unlock in _unlocks(registry):
        if unlock.id == unlock_id:
            return unlock
    raise NotFound(f"{registry} has no unlock {unlock_id}", "unlock")
