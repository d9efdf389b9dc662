"""`/api/v1/registries/<registry>/approvals`: letting a protected tag become another digest."""

from __future__ import annotations

from pydantic import Field

from enforcer.names import Digest, Repository, Tag, TagName
from enforcer.validation.fields import Table
from enforcer.web.native import texts
from enforcer.web.native.operations import Answer, Call, Group
from enforcer.web.native.paging import Query
from enforcer.web.native.texts import Shape
from enforcer.web.services import services

group = Group("approvals")


class ApprovalDraft(Table):
    """A digest that a tag may become."""

    repository: texts.Repository = Field(description="The repository, with its namespace.")
    tag: texts.Tag = Field(description="Name of the tag.")
    digest: texts.Digest = Field(description="Digest that it may become.")
    reason: texts.Reason = Field(description="Why; history and audit keep it.")


class Approval(Shape):
    """An approval that was given."""

    id: str = Field(description="Id by which the history of the tag knows it.")
    registry: texts.RegistryText = Field(description="Name of the registry.")
    repository: texts.RepositoryText = Field(description="The repository, with its namespace.")
    tag: texts.TagText = Field(description="Name of the tag.")
    digest: texts.DigestText = Field(description="Digest that it may become.")
    time: texts.TimeText = Field(description="When it was given.")
    by: str = Field(description="Account that gave it.")
    reason: str = Field(description="Why.")


@group.operation(
    "POST",
    "/registries/{registry}/approvals",
    query=Query,
    body=ApprovalDraft,
    answer=Approval,
    status=202,
    changes=True,
    refusals=(404,),
)
def approve(call: Call[Query, ApprovalDraft]) -> Answer:
    """Let a protected tag become another digest, once.

    It may come before the push or after it, and takes effect when a worker judges it: if the registry has the digest
    by then, that is the tag's record from then on, the tag is set to it, and open violations by that digest are closed
    as approved (in the history: approved). If not, the next push of it is no violation (noted), and the first sweep
    that finds it in the registry makes it the record.
    """
    here, wanted = services(), call.body
    registry = here.stores.namespaces.registry(call.path["registry"])
    name = TagName(registry, Repository(wanted.repository), Tag(wanted.tag))
    digest = Digest(wanted.digest)
    event = here.stores.approvals.approve(name, digest, by=call.account.name, reason=wanted.reason)
    return Answer(
        Approval(
            id=event.id,
            registry=registry,
            repository=name.repository,
            tag=name.tag,
            digest=digest,
            time=event.time,
            by=event.actor,
            reason=event.reason,
        )
    )
