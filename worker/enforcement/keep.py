"""Keep: fetch the manifest of a protected tag while the registry has it, so that it can be put back when it has not."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from enforcer.alerts.message import Severity
from enforcer.errors import ManifestMissing, RegistryError, UnverifiableManifest
from enforcer.events import Action, Event
from enforcer.names import Digest, RegistryName, Repository
from enforcer.store.wakeups import Task
from enforcer.store.workqueue import Claim
from worker.backoff import pause
from worker.context import Context
from worker.enforcement.manifest_tree import LEVELS, MANIFESTS, ManifestTree
from worker.pool import Precedence, RegistryPools

logger = logging.getLogger(__name__)

GIVE_UP = 12
"""Tries after which fetching ends; the next sweep begins anew."""

TELL_AGAIN = 86_400
"""Seconds after which it is told again that a manifest cannot be kept whole."""

STEP = 16
"""Manifests that are fetched before it is another's turn: more than build tools make one tag of."""


def keep_item(registry: RegistryName, repository: Repository, digest: Digest) -> str:
    """How a manifest stands in the work queue."""
    return f"{registry}/{repository}@{digest}"


@dataclass(frozen=True, slots=True)
class Keep:
    """Fetches a manifest and all below it, some at a time; the same again fetches what is lacking."""

    context: Context
    claim: Claim
    registry: RegistryName
    repository: Repository
    tree: ManifestTree

    @classmethod
    def of(cls, context: Context, claim: Claim) -> Keep:
        """The fetching of the manifest that was claimed."""
        place, _, digest = claim.key.partition("@")
        registry_text, _, repository_text = place.partition("/")
        registry, repository = RegistryName(registry_text), Repository(repository_text)
        tree = ManifestTree(Digest(digest), lambda digest: context.manifest(registry, repository, digest))
        return cls(context, claim, registry, repository, tree)

    def step(self) -> bool:
        """Fetch some; returns whether nothing is left to do."""
        if self.registry not in self.context.registries:
            self.context.keeps.done(self.claim)
            return True
        if not self.context.keeps.renew(self.claim):
            return True  # it waited for too long, and another worker has begun
        try:
            is_all = self.tree.read_on(STEP)
        except RegistryError as error:
            self._try_again(error)
            return True
        if is_all:
            self._finish()
        return is_all

    def step_in(self, pools: RegistryPools, precedence: Precedence) -> None:
        """Do all steps in the registry's pool: the first by this precedence, the others behind more urgent ones."""
        if not pools.submit(self.registry, precedence, self.repository, lambda: self._go_on(pools)):
            self.context.keeps.again(self.claim, self.claim.checkpoint, 0)

    def _go_on(self, pools: RegistryPools) -> None:
        if not self.step():
            self.step_in(pools, Precedence.CHILD)

    def _finish(self) -> None:
        tree = self.tree
        if tree.is_cut:
            text = f"{self.claim.key} has more than {MANIFESTS} manifests or {LEVELS} levels: those beyond are not kept"
            logger.warning(text)
            self.context.health.tell(f"cut {self.claim.key}", Severity.WARNING, text, TELL_AGAIN)
        for digest in tree.lacking:
            logger.info("%s lists %s, which is not kept: the registry does not have it", self.claim.key, digest)
        if len(tree.found) > 1:
            self._describe()
        self.context.keeps.done(self.claim)

    def _describe(self) -> None:
        """Have the records list what is below them, at any depth: from now on its deletion concerns the tag."""
        below, now = tuple(self.tree.found[1:]), self.context.timing.now()
        states = self.context.ledger.states(
            self.context.ledger.tags_of((self.registry, self.repository), self.tree.root)
        )
        events = [
            Event(
                registry=self.registry,
                action=Action.PUSH,
                repository=self.repository,
                time=state.time_after(now),
                id=f"keep-{self.context.new_id()}",
                tag=name.tag,
                digest=self.tree.root,
                media_type=self.tree.media_type,
                children=below,
                user_agent="tag-enforcer keep",
            )
            for name, state in states.items()
            if state.record and state.record.digest == self.tree.root and not set(below) <= set(state.record.children)
        ]
        if events and self.context.log.append(events):
            self.context.queues.enqueue(Task.DRAIN)

    def _try_again(self, error: RegistryError) -> None:
        tries = int(self.claim.checkpoint or 0) + 1
        if isinstance(error, UnverifiableManifest):
            text = f"{self.claim.key} is not kept: {error}"
            logger.warning(text)
            self.context.health.tell(f"schema 1 {self.claim.key}", Severity.CRITICAL, text, TELL_AGAIN)
            self.context.keeps.done(self.claim)
        elif isinstance(error, ManifestMissing) or tries >= GIVE_UP:
            text = "%s is not kept, so it can be restored only while the registry has it: %s"
            logger.warning(text, self.claim.key, error)
            self.context.keeps.done(self.claim)
        else:
            self.context.keeps.again(self.claim, str(tries), pause(tries, retry_after=error.retry_after))


def keep_at_once(context: Context, pools: RegistryPools, items: Iterable[str]) -> None:
    """Have manifests fetched in this process now: what is deleted a moment after its push can be put back then."""
    for claim in context.keeps.add_claimed(items, owner=context.owner):
        Keep.of(context, claim).step_in(pools, Precedence.NEW_MANIFEST)


def keep(context: Context, claim: Claim) -> None:
    """Fetch a manifest and all below it, check and keep them."""
    one = Keep.of(context, claim)
    while not one.step():
        pass
