"""Grandfathering: a tag is protected as it stood when its protection began.

That is when a policy came into force or an unlock ended. Until then its record followed the events, and events have
holes; so the registry may hold something else, and has done so all along. That is no drift. It counts as a move just
before the protection began, unless an event came since, or a baseline or sweep has looked at the tag since. Nor does it
count where a replay has judged the tag as if the policy had always been in force: Redis was lost, and the policy is new
only since then.
"""

from __future__ import annotations

from enforcer.judgement.protection import protection_of
from enforcer.names import TagName
from enforcer.policies.policy_set import PolicySet
from enforcer.store.ledger import Ledger
from enforcer.times import Time
from worker.scanning.observation import Observation
from worker.scanning.scan_times import ScanTimes


class Grandfathering:
    """That of all tags, by the policies and the walks that there are when this is made."""

    def __init__(self, ledger: Ledger, policies: PolicySet, scan_times: ScanTimes) -> None:
        self._ledger = ledger
        self._policies = policies
        self._scanned = scan_times.read()

    def grandfathered_since(self, observation: Observation) -> Time | None:
        """The time just before the tag began to be protected, if what it is now counts as what it was then."""
        name = observation.name
        since = self._policies.protected_since(*name.parts, observation.time)
        if since is None or observation.state.last[0] >= since or self._scanned.get("/".join(name.place), "") >= since:
            return None
        was_unlocked = any(unlock.ends == since for unlock in self._policies.unlocks)
        return None if self._was_replayed(name) and not was_unlocked else since.plus(-1e-9)

    def _was_replayed(self, name: TagName) -> bool:
        """A policy had judged the tag before it was in force, as only a replay does."""
        history = self._ledger.history(name)
        if not history or history[-1].protection is None:
            return False
        last = history[-1].event
        was_changed = self._policies.was_changed(name.registry, name.repository.namespace, last.when)
        return not was_changed and protection_of(self._policies, name, last) is None
