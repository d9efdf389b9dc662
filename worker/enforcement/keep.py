"""Keep: fetch the manifest of a protected tag while the registry has it, so that it can be put back when it has not."""

from __future__ import annotations

import logging

from enforcer.errors import ManifestMissing, RegistryError
from enforcer.names import Digest, RegistryName, Repository
from enforcer.store.workqueue import Claim
from worker.backoff import pause
from worker.context import Context

logger = logging.getLogger(__name__)

GIVE_UP = 12
"""Tries after which fetching ends; the next sweep begins anew."""


def keep_item(registry: RegistryName, repository: Repository, digest: Digest) -> str:
    """How a manifest stands in the work queue."""
    return f"{registry}/{repository}@{digest}"


def keep(context: Context, claim: Claim) -> None:
    """Fetch one manifest, check it and keep it; the manifests that an index lists come next."""
    place, _, digest_text = claim.key.partition("@")
    registry_text, _, repository_text = place.partition("/")
    registry, repository, digest = RegistryName(registry_text), Repository(repository_text), Digest(digest_text)
    client = context.registries.get(registry)
    if client is None:
        context.keeps.done(claim)
        return
    try:
        manifest = context.kept(registry, repository, digest) or client.get(repository, digest)
    except RegistryError as error:
        _try_again(context, claim, error)
        return
    # Of an index that is kept already too: who kept it may have died, or have had no use for its children.
    context.keeps.add((keep_item(registry, repository, child), "") for child in manifest.children)
    context.ledger.keep(registry, repository, manifest)
    context.keeps.done(claim)


def _try_again(context: Context, claim: Claim, error: RegistryError) -> None:
    tries = int(claim.checkpoint or 0) + 1
    if isinstance(error, ManifestMissing) or tries >= GIVE_UP:
        logger.warning("%s is not kept, so it can be restored only while the registry has it: %s", claim.key, error)
        context.keeps.done(claim)
    else:
        context.keeps.again(claim, str(tries), pause(tries, retry_after=error.retry_after))
