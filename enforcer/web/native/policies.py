"""`/api/v1/policies`."""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from pydantic import Field

from enforcer.errors import StalePolicy
from enforcer.policies.declaration import draft
from enforcer.policies.policy import Policy as StoredPolicy
from enforcer.web.native.models import Change, Policy, PolicyChange, PolicyDraft, PolicyPage, changed
from enforcer.web.native.operations import PREFIX, Answer, Call, Group, NoBody
from enforcer.web.native.paging import PageQuery, Query, cut, link_to_next
from enforcer.web.native.texts import Namespace, RegistryName
from enforcer.web.services import services

group = Group("policies")


class PolicyQuery(PageQuery):
    """Which policies are asked for."""

    registry: RegistryName | None = Field(default=None, description="Only those of this registry.")
    namespace: Namespace | None = Field(default=None, description="Only those of this namespace.")


@group.operation("GET", "/policies", query=PolicyQuery, body=NoBody, answer=PolicyPage, paged=True)
def list_policies(call: Call[PolicyQuery, NoBody]) -> Answer:
    """List policies, by id."""
    query = call.query
    found = [
        policy
        for policy in services().stores.policies.current()
        if query.registry in (None, policy.registry) and query.namespace in (None, policy.namespace)
    ]
    page = PolicyPage(items=[Policy.of(policy) for policy in cut(found, query)], total=len(found))
    return Answer(page, link_to_next(query, len(found)))


@group.operation(
    "POST",
    "/policies",
    query=Query,
    body=PolicyDraft,
    answer=Policy,
    status=201,
    changes=True,
    versioned=True,
    refusals=(404, 409),
)
def create_policy(call: Call[Query, PolicyDraft]) -> Answer:
    """Create a policy.

    It is in force at once, and the tags of its namespace that are there already are recorded as they stand. Status 404
    says that the registry is not configured.
    """
    here = services()
    here.stores.namespaces.registry(call.body.registry)
    policy = here.stores.policies.create(draft(call.body), call.account.name)
    return Answer(Policy.of(policy), [*_versioned(policy), ("Location", f"{PREFIX}/policies/{policy.id}")])


@group.operation(
    "GET", "/policies/{policy_id}", query=Query, body=NoBody, answer=Policy, versioned=True, refusals=(404,)
)
def get_policy(call: Call[Query, NoBody]) -> Answer:
    """Show a policy."""
    policy = services().stores.policies.current().get(int(call.path["policy_id"]))
    return Answer(Policy.of(policy), _versioned(policy))


@group.operation(
    "PATCH",
    "/policies/{policy_id}",
    query=Query,
    body=PolicyChange,
    answer=Policy,
    changes=True,
    versioned=True,
    conditional=True,
    refusals=(404, 409),
)
def change_policy(call: Call[Query, Change]) -> Answer:
    """Change a policy.

    Fields that are left out stay as they are, also those of a selector. Its registry and namespace cannot be changed.
    """
    check = _revision_check()

    def edit(policy: StoredPolicy) -> StoredPolicy:
        check(policy)
        return changed(policy, call.body)

    policy = services().stores.policies.change(int(call.path["policy_id"]), edit, call.account.name)
    return Answer(Policy.of(policy), _versioned(policy))


@group.operation(
    "DELETE",
    "/policies/{policy_id}",
    query=Query,
    body=NoBody,
    answer=None,
    status=204,
    changes=True,
    conditional=True,
    refusals=(404,),
)
def delete_policy(call: Call[Query, NoBody]) -> Answer:
    """Delete a policy.

    One that the configuration file declares comes back at the next start.
    """
    services().stores.policies.delete(int(call.path["policy_id"]), call.account.name, check=_revision_check())
    return Answer(None)


def _versioned(policy: StoredPolicy) -> list[tuple[str, str]]:
    return [("ETag", f'"{policy.revision}"')]


def _revision_check() -> Callable[[StoredPolicy], None]:
    """Raises `StalePolicy` for a policy with another revision than the If-Match of the request names."""
    condition, is_given = request.if_match, "If-Match" in request.headers

    def check(policy: StoredPolicy) -> None:
        # Here, in the transaction: between a check before it and the change another client could come first.
        if is_given and not condition.contains(str(policy.revision)):
            raise StalePolicy(
                f"policy {policy.id} has revision {policy.revision}, not the one of If-Match: "
                "it was changed meanwhile; get it again, and change that",
                policy.revision,
            )

    return check
