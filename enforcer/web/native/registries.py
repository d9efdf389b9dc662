"""`/api/v1/registries`: registries, their namespaces, and where their tags stand."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from enforcer.judgement.record import Record
from enforcer.names import Repository, Tag
from enforcer.times import Time
from enforcer.web.native import texts
from enforcer.web.native.operations import Answer, Call, Group, NoBody
from enforcer.web.native.paging import Page, PageQuery, cut, link_to_next
from enforcer.web.native.texts import Shape
from enforcer.web.services import services

group = Group("registries")


class Registry(Shape):
    """A configured registry."""

    name: texts.RegistryText = Field(description="Name under which it is configured.")
    kind: Literal["distribution", "harbor"] = Field(description="What it runs.")
    url: str = Field(description="Address of its API, up to where /v2/ would begin.")


class RegistryPage(Page[Registry]):
    """Some of the registries, in the order of the configuration."""


class Namespace(Shape):
    """The first component of repositories, or _ for those without a slash."""

    id: int = Field(description="Number by which clients of the vendors' APIs know it; unique over all registries.")
    name: texts.NamespaceText = Field(description="Name of the namespace.")
    policies: list[int] = Field(description="Ids of its policies.")


class NamespacePage(Page[Namespace]):
    """Some of the namespaces of a registry, by number."""


class TagStanding(Shape):
    """The record of a tag."""

    tag: texts.TagText = Field(description="Name of the tag.")
    digest: texts.DigestText = Field(description="Digest that it is recorded with.")
    media_type: str = Field(description="Media type of that manifest, as far as the registry told.")
    time: texts.TimeText = Field(description="Since when it has that digest.")
    settles: texts.TimeText | None = Field(description="Until when an index that lists the digest may take its place.")
    deleted: bool = Field(description="Whether the tag was deleted and not pushed since.")
    protected_by: list[int] = Field(description="Ids of the policies that protect the tag now.")


class TagPage(Page[TagStanding]):
    """Some of the tags of a repository, by name."""


class TagQuery(PageQuery):
    """Which tags are asked for."""

    repository: texts.Repository = Field(description="The repository, with its namespace.")


@group.operation("GET", "/registries", query=PageQuery, body=NoBody, answer=RegistryPage, paged=True)
def list_registries(call: Call[PageQuery, NoBody]) -> Answer:
    """List the configured registries."""
    configured = services().settings.registries
    found = [Registry(name=name, kind=registry.kind, url=registry.url) for name, registry in configured.items()]
    return Answer(
        RegistryPage(items=list(cut(found, call.query)), total=len(found)), link_to_next(call.query, len(found))
    )


@group.operation(
    "GET",
    "/registries/{registry}/namespaces",
    query=PageQuery,
    body=NoBody,
    answer=NamespacePage,
    paged=True,
    refusals=(404,),
)
def list_namespaces(call: Call[PageQuery, NoBody]) -> Answer:
    """List the namespaces that are configured, have a policy in the configuration, or were seen in a push."""
    here = services()
    found = here.stores.namespaces.of(call.path["registry"])
    policies = here.stores.policies.current()
    items = [
        Namespace(
            id=namespace.id,
            name=namespace.name,
            policies=[policy.id for policy in policies.of_namespace(namespace.registry, namespace.name)],
        )
        for namespace in cut(found, call.query)
    ]
    return Answer(NamespacePage(items=items, total=len(found)), link_to_next(call.query, len(found)))


@group.operation(
    "GET", "/registries/{registry}/tags", query=TagQuery, body=NoBody, answer=TagPage, paged=True, refusals=(404,)
)
def list_tags(call: Call[TagQuery, NoBody]) -> Answer:
    """List what is recorded of the tags of a repository.

    An unknown repository has none. A tag that nothing protects and that was deleted is only in its
    history.
    """
    here = services()
    registry = here.stores.namespaces.registry(call.path["registry"])
    repository = Repository(call.query.repository)
    states = here.stores.ledger.tags(registry, repository)
    found = sorted((tag, state.record) for tag, state in states.items() if state.record is not None)
    policies, now = here.stores.policies.current(), Time.now()
    items = []
    for tag, record in cut(found, call.query):
        protection = policies.protection(registry, repository, tag, now)
        items.append(_standing(tag, record, protection.policies if protection else ()))
    return Answer(TagPage(items=items, total=len(found)), link_to_next(call.query, len(found)))


def _standing(tag: Tag, record: Record, protected_by: tuple[int, ...]) -> TagStanding:
    return TagStanding(
        tag=tag,
        digest=record.digest,
        media_type=record.media_type,
        time=record.time,
        settles=record.settles,
        deleted=record.deleted,
        protected_by=list(protected_by),
    )
