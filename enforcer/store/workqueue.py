"""Work queues: what is due, and when. A key says what to look after, never what to do about it.

A key that is added ten times is looked after once. While one worker has it, no other gets it; if that worker dies, the
one that takes its place gets it at once, and any other when the lease has run out. A worker that comes late, when
another has its key already, changes nothing: each claim has a token of its own, and Redis compares it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis

from enforcer.errors import EnforcerError
from enforcer.store.limits import LEASE
from enforcer.store.lua import script
from enforcer.store.wakeups import Task

_GIVEN_BACK, _LOST = -1, -2


class ClaimLost(EnforcerError):
    """Another worker has taken a key over, since its lease had run out."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that is ours for the length of a lease: how far the work on it is, and how often it was asked for.

    `token` tells this claim from every other of the key.
    """

    key: str
    checkpoint: str
    generation: int
    token: str


class WorkQueue:
    """The keys of one task, or of one part of it, by the time when each is due. Times are Redis's."""

    def __init__(self, redis: Redis, task: Task, part: str = "") -> None:
        self.task = task
        self._redis: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
        prefix = f"te:{{{task.value}}}" + (f":{part}" if part else "")
        self._due, self._claimed = f"{prefix}:due", f"{prefix}:claimed"
        self._checkpoints, self._generations = f"{prefix}:notes", f"{prefix}:requests"
        self._owners, self._tokens = f"{prefix}:owners", f"{prefix}:tokens"
        self._add = script(redis, "workqueue_add")
        self._add_claimed = script(redis, "workqueue_add_claimed")
        self._claim = script(redis, "workqueue_claim")
        self._count = script(redis, "workqueue_count")
        self._put_off = script(redis, "workqueue_put_off")
        self._release = script(redis, "workqueue_release")
        self._renew = script(redis, "workqueue_renew")
        self._take_back = script(redis, "workqueue_take_back")

    @property
    def _keys(self) -> list[str]:
        return [self._due, self._claimed, self._checkpoints, self._generations, self._owners, self._tokens]

    def add(self, work: Iterable[tuple[str, str]]) -> None:
        """Make keys due now; a checkpoint counts only for a key that was not in the queue."""
        arguments = [text for pair in work for text in pair]
        if arguments:
            self._add(keys=[self._due, self._checkpoints, self._generations], args=arguments)

    def claim(self, limit: int, *, owner: str = "") -> list[Claim]:
        """Take what is due and free, the longest due first."""
        return _claims(self._claim(keys=self._keys, args=[LEASE * 1000, limit, owner]))

    def add_claimed(self, keys: Iterable[str], *, owner: str = "") -> list[Claim]:
        """Make keys due and claim those that no worker has, to be begun by the caller at once.

        If the caller dies, another worker goes on when the lease has run out.
        """
        wanted = list(keys)
        return _claims(self._add_claimed(keys=self._keys, args=[LEASE * 1000, owner, *wanted])) if wanted else []

    def done(self, claim: Claim, *, anew: bool = False) -> bool:
        """Give a key back and forget it, unless it was asked for meanwhile; then it keeps its checkpoint, or not.

        Returns whether the claim still held; if not, nothing is changed.
        """
        arguments = [claim.key, claim.token, ""] if anew else [claim.key, claim.token]
        return bool(self._release(keys=self._keys, args=arguments))

    def again(self, claim: Claim, checkpoint: str, seconds: float) -> bool:
        """Give a key back, to be looked after once more in so many seconds, or sooner if it is asked for.

        Returns whether the claim still held; if not, nothing is changed.
        """
        arguments: list[str | int] = [claim.key, claim.token, checkpoint, round(seconds * 1000)]
        return bool(self._release(keys=self._keys, args=arguments))

    def put_off(self, claim: Claim, checkpoint: str, seconds: float | None) -> Claim | None:
        """Give a key back, to come again in so many seconds, or never; unless it was asked for since it was claimed.

        Then the claim goes on, and is returned as it is now. Raises `ClaimLost`.
        """
        arguments: list[str | int] = [claim.key, claim.token, claim.generation, checkpoint, LEASE * 1000]
        arguments += [] if seconds is None else [round(seconds * 1000)]
        answer = int(self._put_off(keys=self._keys, args=arguments))
        if answer == _LOST:
            raise ClaimLost(f"{claim.key} was taken over by another worker")
        return None if answer == _GIVEN_BACK else replace(claim, checkpoint=checkpoint, generation=answer)

    def renew(self, claim: Claim) -> bool:
        """Begin the lease anew; returns whether the claim still held."""
        return bool(self._renew(keys=self._keys, args=[claim.key, claim.token, LEASE * 1000]))

    def take_back(self, owner: str) -> int:
        """End the leases of a worker that died; returns how many there were. For the one that takes its place."""
        return int(self._take_back(keys=self._keys, args=[owner]))

    def is_due(self) -> bool:
        """There is something to do now, left-overs of a dead worker included."""
        return self.is_due_within(0)

    def is_due_within(self, seconds: float) -> bool:
        """Something is due within so many seconds, left-overs of a dead worker included."""
        due, ran_out, _ = self._counts(seconds)
        return bool(due or ran_out)

    def is_busy(self, seconds: float) -> bool:
        """A worker has a key at the moment, or one is due within so many seconds."""
        due, _, claimed = self._counts(seconds)
        return bool(due or claimed)

    def _counts(self, seconds: float) -> list[int]:
        counts: list[int] = self._count(keys=[self._due, self._claimed], args=[round(seconds * 1000)])
        return counts

    def generation(self, key: str) -> int:
        """How often a key was asked for since it came into the queue; 0 if it is not there."""
        return int(self._redis.hget(self._generations, key) or 0)

    def __len__(self) -> int:
        return int(self._redis.hlen(self._generations))


def _claims(found: Iterable[bytes]) -> list[Claim]:
    texts = [value.decode() for value in found]
    fields = zip(texts[::4], texts[1::4], map(int, texts[2::4]), texts[3::4], strict=True)
    return [Claim(*four) for four in fields]
