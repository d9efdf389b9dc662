from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from enforcer.errors import NotFound, PolicyConflict
from enforcer.policies.declaration import PolicySettings, draft
from enforcer.policies.difference import Difference
from enforcer.policies.unlock import Unlock
from enforcer.store.audit import Audit
from enforcer.store.policies import SETTINGS, PolicyStore
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import WorkQueue
from enforcer.times import Time
from tests.fakes.events import MAIN
from tests.fakes.policies import SINCE, policy, selector
from tests.fakes.settings import policy_table
from tests.fakes.stores import stores


@pytest.fixture
def store(redis):
    return PolicyStore(redis, per_namespace=3)


def declared(**changes) -> PolicySettings:
    return PolicySettings.model_validate(policy_table(**changes))


def unlock():
    return Unlock.parse(MAIN, "team/app:1.0", seconds=60, now=Time.now(), by="ops", reason="repair")


def baselines(redis) -> set[str]:
    return {claim.key for claim in WorkQueue(redis, Task.BASELINE).claim(10)}


def comment(text):
    return lambda one: replace(one, comment=text)


def test_ids_are_never_given_twice(store):
    """A new policy has an id that none had before, also when the last one was deleted."""
    first, second = store.create(policy(tags="a*"), "ops"), store.create(policy(tags="b*"), "ops")
    store.delete(second.id, "ops")
    third = store.create(policy(tags="c*"), "ops")
    assert (first.id, second.id, third.id) == (1, 2, 3)
    assert list(store.current()) == [first, third]


def test_an_imported_id_is_not_given_again(redis):
    """A policy that is put back has its old id; neither policies nor unlocks get ids that were given since."""
    store = PolicyStore(redis, per_namespace=9)
    for number in range(3):
        store.create(policy(tags=f"a{number}"), "ops")
    store.delete(2, "ops")
    store.delete(3, "ops")
    unlocks = [stores(redis).unlocks.unlock(unlock()).id]

    assert store.put_back(policy(2, tags="old*"))
    assert not store.put_back(policy(2, tags="other*"))

    assert [one.id for one in store.current()] == [1, 2]
    unlocks += [stores(redis).unlocks.unlock(unlock()).id for _ in range(2)]
    assert (store.create(policy(tags="new*"), "ops").id, unlocks) == (7, [4, 5, 6])
    assert len(store.current().unlocks) == 3


def test_unchanged_policies_are_read_once(redis, store):
    """As long as nothing was changed, asking for the policies reads their version alone."""
    store.create(policy(), "ops")
    found = store.current()
    redis.delete("te:{policies}")

    assert store.current() is found


def test_a_change_is_seen_by_others(redis, store):
    """Another process that asks for the policies gets what is stored at that moment."""
    other = PolicyStore(redis)
    assert list(other.current()) == []
    created = store.create(policy(), "ops")
    assert list(other.current()) == [created]
    changed = store.change(created.id, comment("why"), "ops")
    assert list(other.current()) == [changed]
    assert changed.revision == 2


def test_no_change_is_no_revision(store):
    """An edit that changes nothing is not written, nor is it in the audit."""
    created = store.create(policy(), "ops")
    before = store.current().version
    assert store.change(created.id, lambda one: one, "ops") == created
    assert store.current().version == before


def test_each_change_is_in_the_audit(redis, store):
    """The audit says who did what, with what was there before and after."""
    created = store.create(policy(), "ops")
    changed = store.change(created.id, comment("why"), "cli:root")
    store.delete(created.id, "ops")
    assert [(entry.what, entry.by, entry.before, entry.after) for entry in Audit(redis).newest()] == [
        ("policy deleted", "ops", changed.as_dict(), None),
        ("policy changed", "cli:root", created.as_dict(), changed.as_dict()),
        ("policy created", "ops", None, created.as_dict()),
    ]


def test_what_begins_to_protect_is_recorded(redis, store):
    """Creating, enabling and other selectors have the tags of the namespace recorded; nothing else does."""
    store.create(policy(tags="off", disabled=True), "ops")
    assert baselines(redis) == set()
    store.change(1, comment("why"), "ops")
    assert baselines(redis) == set()
    store.change(1, lambda one: replace(one, disabled=False), "ops")
    assert baselines(redis) == {"main/team"}


def test_a_namespace_has_so_much_room(redis):
    """A policy more than a namespace may have is refused, and so is one that says the same."""
    store = PolicyStore(redis, per_namespace=1)
    store.create(policy(), "ops")
    store.create(policy(namespace="ops"), "ops")
    with pytest.raises(PolicyConflict, match="policy 1 of team already says the same"):
        store.create(policy(comment="again"), "ops")
    with pytest.raises(PolicyConflict, match="team has 1 of at most 1 policies: change policy 1"):
        store.create(policy(tags="r*"), "ops")


def test_a_change_needs_no_room(redis, store):
    """A policy of a namespace that has too many by now can still be changed, but not into another one."""
    store.create(policy(tags="a*"), "ops")
    store.create(policy(tags="b*"), "ops")
    strict = PolicyStore(redis, per_namespace=1)
    assert strict.change(2, lambda one: replace(one, disabled=True), "ops").disabled
    with pytest.raises(PolicyConflict, match="policy 1 of team already says the same"):
        strict.change(2, lambda one: replace(one, tags=selector("matches", "a*")), "ops")


@pytest.mark.parametrize(
    "act", [lambda store: store.change(9, comment("x"), "ops"), lambda store: store.delete(9, "o")]
)
def test_unknown_policy(store, act):
    """What is not there cannot be changed or deleted."""
    with pytest.raises(NotFound, match="there is no policy 9") as caught:
        act(store)
    assert caught.value.kind == "policy"


def test_a_check_keeps_a_policy(store):
    """A deletion that its check refuses does not happen."""

    def refuse(one):
        raise PolicyConflict(f"not {one.id}")

    created = store.create(policy(), "ops")
    with pytest.raises(PolicyConflict, match="not 1"):
        store.delete(created.id, "ops", check=refuse)
    assert list(store.current()) == [created]


def test_no_change_is_lost(redis, store):
    """Many that change one policy at the same time all find their change in it."""
    store.create(policy(bypass_actors=frozenset()), "ops")

    def add(name):
        PolicyStore(redis).change(1, lambda one: replace(one, bypass_actors=one.bypass_actors | {name}), name)

    threads = [threading.Thread(target=add, args=(f"user-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.current().get(1)
    assert found.bypass_actors == {f"user-{number}" for number in range(8)}
    assert found.revision == 9


def test_settings_are_made_what_they_declare(store):
    """Each start creates, changes and removes policies of the file, and leaves alone those that others made."""
    other = store.create(policy(tags="mine", namespace="ops"), "ops")
    (created,) = store.apply_settings([declared()]).created
    assert created.origin == SETTINGS
    assert store.apply_settings([declared()]) == Difference()
    ((_, changed),) = store.apply_settings([declared(tags={"pattern": "v*"})]).changed
    assert changed.id == created.id
    assert store.apply_settings([]).removed == (changed,)
    assert list(store.current()) == [other]


def test_settings_adopt_what_says_the_same(redis):
    """A policy that somebody made and the file declares later is one policy, not two."""
    store = PolicyStore(redis, per_namespace=1)
    made = store.create(draft(declared()), "ops")
    ((before, after),) = store.apply_settings([declared(comment="why")]).changed
    assert (before, after.id, after.origin, after.comment) == (made, made.id, SETTINGS, "why")
    assert after.effective_since == made.effective_since


def test_apply_adds_and_changes(store):
    """What is declared is created or changed; what is not stays."""
    kept = store.create(policy(tags="kept"), "ops")
    changed = store.create(policy(tags="changed"), "ops")
    found = store.apply([policy(tags="changed", comment="why"), policy(tags="new")], "cli:root")
    assert [one.id for one in found.created] == [3]
    assert [before for before, _ in found.changed] == [changed]
    assert found.removed == ()
    assert store.current().get(kept.id) == kept


def test_apply_changes_the_only_policy(redis):
    """Where a namespace may have one policy, the declared one takes the place of the one that is there."""
    store = PolicyStore(redis, per_namespace=1)
    store.create(policy(tags="a*"), "ops")
    ((_, after),) = store.apply([policy(tags="b*")], "cli:root").changed
    assert (after.id, after.tags) == (1, selector("matches", "b*"))


def test_apply_prunes_everywhere(store):
    """With prune, what is not declared goes, in any namespace; a policy keeps its id where one takes its place."""
    store.create(policy(tags="a*"), "ops")
    store.create(policy(tags="b*", namespace="ops"), "ops")
    found = store.apply([policy(tags="c*")], "cli:root", prune=True)
    assert [(before.id, after.id) for before, after in found.changed] == [(1, 1)]
    assert [one.id for one in found.removed] == [2]


def test_apply_spares_what_others_declare(redis):
    """A policy that the configuration declares is neither pruned nor made another one."""
    store = PolicyStore(redis, per_namespace=1)
    store.apply_settings([declared()])
    spared = [draft(declared())]
    assert store.apply([], "cli:root", spared=spared, prune=True) == Difference()
    with pytest.raises(PolicyConflict, match="would have 2 policies"):
        store.apply([policy(tags="r*")], "cli:root", spared=spared)


def test_apply_is_done_whole_or_not_at_all(store):
    """If there is no room for one, none is created."""
    with pytest.raises(PolicyConflict):
        store.apply([policy(tags=f"v{number}", namespace="ops") for number in range(4)], "cli:root")
    assert list(store.current()) == []


def test_a_dry_run_changes_nothing(redis):
    """A dry run tells the same and does nothing of it."""
    store = PolicyStore(redis, clock=lambda: SINCE)
    wanted = [policy(tags="a*")]
    told = store.apply(wanted, "cli:root", dry_run=True)
    assert list(store.current()) == []
    assert baselines(redis) == set()
    assert store.apply(wanted, "cli:root") == told
