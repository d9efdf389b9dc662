"""Requests to the workers that restore tags and keep manifests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Self

from enforcer.names import Digest, TagName
from enforcer.store.ledger import Ledger
from enforcer.store.registry_queues import RegistryQueues
from enforcer.store.wakeups import Queues, Task
from enforcer.store.workqueue import WorkQueue
from worker.context import Context
from worker.enforcement.dispatcher import restore_at_once
from worker.enforcement.keep import keep_at_once, keep_item
from worker.enforcement.progress import Progress


@dataclass(frozen=True, slots=True)
class EnforcementRequests:
    """Puts work into the queues and wakes their workers. The same request again, while it waits, is one request."""

    restores: RegistryQueues
    keeps: WorkQueue
    queues: Queues
    ledger: Ledger
    keep_at_once: Callable[[Iterable[str]], None] | None
    restore_at_once: Callable[[Iterable[TagName]], None] | None

    @classmethod
    def of(cls, context: Context) -> Self:
        """The requests to the workers of an installation."""
        keep = partial(keep_at_once, context, context.pools) if context.pools else None
        restore = partial(restore_at_once, context, context.pools) if context.pools else None
        return cls(context.restores, context.keeps, context.queues, context.ledger, keep, restore)

    def restore(self, names: Iterable[TagName]) -> None:
        """Have tags set to their records, at once where this process can."""
        if self.restore_at_once:
            self.restore_at_once(set(names))
        else:
            self.restore_later(names)

    def restore_later(self, names: Iterable[TagName], *, look_first: bool = False) -> None:
        """Have tags set to their records by the worker that restores, as soon as it comes to them.

        With `look_first`, those on which no worker is are looked at before anything is put.
        """
        checkpoint = Progress(look_first=True).written() if look_first else ""
        self._add(self.restores, Task.RESTORE, {str(name) for name in names}, checkpoint)

    def keep(self, manifests: Iterable[tuple[TagName, Digest]]) -> None:
        """Have the manifests of tags fetched, and all below them."""
        items = {keep_item(name.registry, name.repository, digest) for name, digest in manifests}
        if self.keep_at_once:
            self.keep_at_once(items)
        else:
            self._add(self.keeps, Task.KEEP, items)

    def keep_if_missing(self, name: TagName, digest: Digest) -> None:
        """Have a manifest fetched that is not kept, as one that was recorded before its tag was protected."""
        if not self.ledger.keeps(name.registry, name.repository, digest):
            self.keep([(name, digest)])

    def _add(self, queue: WorkQueue | RegistryQueues, task: Task, keys: Iterable[str], checkpoint: str = "") -> None:
        wanted = [(key, checkpoint) for key in keys]
        if wanted:
            queue.add(wanted)
            self.queues.wake(task)
