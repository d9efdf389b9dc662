"""From the policies that are stored to those that are declared: what has to be created, changed and removed. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from enforcer.errors import PolicyConflict
from enforcer.policies.policy import Policy, Selector
from enforcer.times import Time


@dataclass(frozen=True, slots=True)
class Difference:
    """The changes of one transaction; a changed policy comes after its former version."""

    created: tuple[Policy, ...] = ()
    changed: tuple[tuple[Policy, Policy], ...] = ()
    removed: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """The rights of a declaration over stored policies that it does not name.

    `own` says which of them may be touched at all. Such a one becomes the declared policy that its namespace has in its
    place, if `repurpose`, so that it keeps its id; what is left is removed, if `remove`.
    """

    own: Callable[[Policy], bool]
    repurpose: bool
    remove: bool


def compare(
    stored: Iterable[Policy], declared: Sequence[Policy], rights: Rights, *, next_id: int, now: Time
) -> Difference:
    """The changes that make the stored policies those that are declared.

    A declared policy is the stored one with the same selectors, whatever its origin. One that is already as declared is
    left alone: it stays in force since when it was; others are in force from now on.
    """
    pairs, left = _pair(declared, stored, rights)
    created: list[Policy] = []
    changed: list[tuple[Policy, Policy]] = []
    for wanted, policy in pairs:
        if policy is None:
            created.append(replace(wanted, id=next_id + len(created), effective_since=now))
        elif (after := succeed(policy, _keep_undeclared(policy, wanted), now)) != policy:
            changed.append((policy, after))
    removed = tuple(policy for policy in left if rights.remove and rights.own(policy))
    return Difference(tuple(created), tuple(changed), removed)


def succeed(before: Policy, after: Policy, now: Time) -> Policy:
    """The next revision of a policy, or the same where nothing changed.

    It is in force anew, from now on, if it was switched on or selects other tags.
    """
    amended = replace(
        after,
        id=before.id,
        registry=before.registry,
        namespace=before.namespace,
        effective_since=before.effective_since,
        revision=before.revision,
    )
    if amended == before:
        return before  # with its revision, so that a change that changes nothing fails no other client's If-Match
    begins = (before.disabled and not amended.disabled) or amended.scope != before.scope
    since = now if begins else before.effective_since
    return replace(amended, effective_since=since, revision=before.revision + 1)


def check_declared(declared: Iterable[Policy]) -> None:
    """Raise `PolicyConflict` if two policies are declared with equal selectors."""
    for scope, count in Counter(policy.scope for policy in declared).items():
        if count > 1:
            registry, namespace, *_ = scope
            raise PolicyConflict(f"{count} policies of {registry}/{namespace} are declared with the same selectors")


def check_room(stored: Iterable[Policy], difference: Difference, per_namespace: int) -> None:
    """Raise `PolicyConflict` if a namespace that gets a new policy would have more than it may have."""
    gone = {policy.id for policy in difference.removed}
    counts = Counter(_place(policy) for policy in stored if policy.id not in gone)
    counts.update(_place(policy) for policy in difference.created)
    for policy in difference.created:
        if counts[_place(policy)] > per_namespace:
            raise PolicyConflict(
                f"{policy.registry}/{policy.namespace} would have {counts[_place(policy)]} policies, of at most "
                f"{per_namespace}: declare fewer, delete those that are not needed, or raise policies_per_namespace"
            )


def _keep_undeclared(before: Policy, declared: Policy) -> Policy:
    """The declared policy with the fields that cannot be declared: only clients of the vendors' APIs see it."""
    return replace(
        declared,
        repositories=_spelled(before.repositories, declared.repositories),
        tags=_spelled(before.tags, declared.tags),
        action=before.action,
        template=before.template,
        origin=declared.origin or before.origin,
    )


def _spelled(before: Selector, declared: Selector) -> Selector:
    return before if before.meaning == declared.meaning else declared


def _place(policy: Policy) -> tuple[str, str]:
    return policy.registry, policy.namespace


def _pair(
    declared: Sequence[Policy], stored: Iterable[Policy], rights: Rights
) -> tuple[list[tuple[Policy, Policy | None]], list[Policy]]:
    """Match what is declared with what is stored: by equal selectors, then by place within the namespace."""
    left = list(stored)
    pairs: list[tuple[Policy, Policy | None]] = []
    unmatched: list[Policy] = []
    for wanted in declared:
        same = next((policy for policy in left if policy.scope == wanted.scope), None)
        if same is None:
            unmatched.append(wanted)
        else:
            left.remove(same)
            pairs.append((wanted, same))
    # Only now, when every equal one has found its partner: else a policy could become one that another is already.
    for wanted in unmatched:
        candidates = (policy for policy in left if _place(policy) == _place(wanted) and rights.own(policy))
        next_one = next(candidates, None) if rights.repurpose else None
        if next_one is not None:
            left.remove(next_one)
        pairs.append((wanted, next_one))
    return pairs, left


def check_distinct(policy: Policy, beside: Iterable[Policy]) -> None:
    """Refuse a policy that another one of its namespace says already. Raises `PolicyConflict`."""
    same = next((other for other in beside if other.scope == policy.scope and other.id != policy.id), None)
    if same is not None:
        raise PolicyConflict(f"policy {same.id} of {policy.namespace} already says the same")


def check_addition(policy: Policy, beside: Sequence[Policy], per_namespace: int) -> None:
    """Refuse one more policy beside those of its namespace. Raises `PolicyConflict`."""
    check_distinct(policy, beside)
    if len(beside) >= per_namespace:
        raise PolicyConflict(
            f"{policy.namespace} has {len(beside)} of at most {per_namespace} policies: change policy "
            f"{beside[0].id}, or raise policies_per_namespace"
        )
