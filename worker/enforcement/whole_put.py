"""PUT a manifest, and what an index lists and its registry has lost before it, as far as that is kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence

from enforcer.errors import BlobsMissing, RegistryError
from enforcer.manifests import Manifest
from enforcer.names import Digest, Tag, TagName
from worker.context import Context
from worker.pool import Precedence

HELPERS = 7
"""Threads that put children beside the one that began, if the pool has them free."""


def put_whole(context: Context, name: TagName, manifest: Manifest, reference: Tag | Digest | None = None) -> None:
    """PUT a manifest by its tag or by a reference; lost children are put back first. Raises `RegistryError`."""
    client, where = context.registries[name.registry], reference or name.tag
    try:
        client.put(name.repository, where, manifest)
    except BlobsMissing:
        if not manifest.children:
            raise
        kept = (context.kept(name.registry, name.repository, digest) for digest in manifest.children)
        steps = [_put_child(context, name, child) for child in kept if child is not None]
        SideBySide(context, name, steps).run()
        client.put(name.repository, where, manifest)
    for digest in manifest.inner_indexes:  # a registry asks only for what an index lists itself, not below that
        inner = context.kept(name.registry, name.repository, digest)
        if inner is not None:
            put_whole(context, name, inner, digest)


def _put_child(context: Context, name: TagName, child: Manifest) -> Callable[[], None]:
    return lambda: put_whole(context, name, child, child.digest)


class SideBySide:
    """Steps of one restore, done by its own thread and by those of the pool that have nothing more urgent to do.

    The own thread waits only for steps that have begun, so that no pool full of such threads can wait for itself.
    """

    def __init__(self, context: Context, name: TagName, steps: Sequence[Callable[[], None]]) -> None:
        self._context, self._name = context, name
        self._waiting = deque(steps)
        self._under_way = 0
        self._failed: RegistryError | None = None
        self._change = threading.Condition()

    def run(self) -> None:
        """Do all steps. Raises the error of one that failed; then the others are not begun."""
        for _ in range(min(HELPERS, len(self._waiting) - 1)):
            self._ask_for_help()
        while self._do_one():
            pass
        with self._change:
            self._change.wait_for(lambda: not self._under_way)
        if self._failed:
            raise self._failed

    def _ask_for_help(self) -> None:
        if pools := self._context.pools:
            pools.submit(self._name.registry, Precedence.CHILD, self._name.repository, self._help)

    def _help(self) -> None:
        if self._do_one():
            self._ask_for_help()  # behind whatever is more urgent by now

    def _do_one(self) -> bool:
        with self._change:
            if not self._waiting or self._failed:
                return False
            step = self._waiting.popleft()
            self._under_way += 1
        try:
            step()
        except RegistryError as error:
            self._failed = error
        finally:
            with self._change:
                self._under_way -= 1
                self._change.notify_all()
        return True
