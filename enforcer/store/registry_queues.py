"""Work queues by registry: what waits for one that hangs stands in front of nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from redis import Redis

from enforcer.names import RegistryName
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import Claim, WorkQueue


class RegistryQueues:
    """One queue a registry; a key begins with its registry's name.

    What is claimed or counted is that of the registries which these settings know: the rest is for hosts that know it.
    """

    def __init__(self, redis: Redis, task: Task, registries: Iterable[RegistryName]) -> None:
        self.task = task
        self._redis = redis
        self._queues = {registry: self._open(registry) for registry in registries}
        self._single = WorkQueue(redis, task)

    @property
    def by_registry(self) -> Mapping[RegistryName, WorkQueue]:
        """The queues of the registries that are configured."""
        return self._queues

    def of(self, key: str) -> WorkQueue:
        """The queue in which a key stands."""
        registry = RegistryName(key.partition("/")[0])
        return self._queues.get(registry) or self._open(registry)

    def take_over(self) -> None:
        """Move what is due in the single queue that earlier releases had."""
        for claim in self._single.claim(100):
            self.of(claim.key).add([(claim.key, claim.checkpoint)])
            self._single.done(claim)

    def add(self, work: Iterable[tuple[str, str]]) -> None:
        """Make keys due now; a checkpoint counts only for a key that was not in the queue."""
        for queue, pairs in self._sorted(work):
            queue.add(pairs)

    def add_claimed(self, keys: Iterable[str], *, owner: str = "") -> list[Claim]:
        """Make keys due and claim those that no worker has, to be begun by the caller at once."""
        sorted_keys = self._sorted((key, "") for key in keys)
        return [c for queue, pairs in sorted_keys for c in queue.add_claimed((key for key, _ in pairs), owner=owner)]

    def claim(self, limit: int, *, owner: str = "") -> list[Claim]:
        """Take what is due and free, so many of each registry."""
        return [claim for queue in self._queues.values() for claim in queue.claim(limit, owner=owner)]

    def done(self, claim: Claim) -> bool:
        """Give a key back and forget it, unless it was asked for meanwhile."""
        return self.of(claim.key).done(claim)

    def again(self, claim: Claim, checkpoint: str, seconds: float) -> bool:
        """Give a key back, to be looked after once more in so many seconds, or sooner if it is asked for."""
        return self.of(claim.key).again(claim, checkpoint, seconds)

    def put_off(self, claim: Claim, checkpoint: str, seconds: float | None) -> Claim | None:
        """Give a key back, to come again or never; unless it was asked for, then the claim goes on and is returned."""
        return self.of(claim.key).put_off(claim, checkpoint, seconds)

    def renew(self, claim: Claim) -> bool:
        """Begin the lease anew; returns whether the claim still held."""
        return self.of(claim.key).renew(claim)

    def take_back(self, owner: str) -> int:
        """End the leases of a worker that died; returns how many there were."""
        return sum(queue.take_back(owner) for queue in self._all())

    def is_due(self) -> bool:
        """There is something to do now, left-overs of a dead worker included."""
        return any(queue.is_due() for queue in self._all())

    def is_due_within(self, seconds: float) -> bool:
        """Something that nobody has is due within so many seconds."""
        return any(queue.is_due_within(seconds) for queue in self._queues.values())

    def is_busy(self, seconds: float) -> bool:
        """A worker has a key at the moment, or one is due within so many seconds."""
        return any(queue.is_busy(seconds) for queue in self._all())

    def generation(self, key: str) -> int:
        """How often a key was asked for since it came into its queue; 0 if it is not there."""
        return self.of(key).generation(key)

    def __len__(self) -> int:
        return sum(map(len, self._all()))

    def _all(self) -> Iterator[WorkQueue]:
        yield from self._queues.values()
        yield self._single

    def _open(self, registry: RegistryName) -> WorkQueue:
        return WorkQueue(self._redis, self.task, registry)

    def _sorted(self, work: Iterable[tuple[str, str]]) -> Iterator[tuple[WorkQueue, list[tuple[str, str]]]]:
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for key, checkpoint in work:
            found[key.partition("/")[0]].append((key, checkpoint))
        for pairs in found.values():
            yield self.of(pairs[0][0]), pairs
