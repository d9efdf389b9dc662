"""How a tag is named on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enforcer.commands.policy.session import registry_of
from enforcer.errors import InvalidName
from enforcer.names import Repository, Tag, TagName

if TYPE_CHECKING:
    from enforcer.settings import Settings


def tag_named(settings: Settings, registry: str | None, reference: str) -> TagName:
    """The tag `REPO:TAG` of the registry that is named, or of the only one. Raises `InvalidName`."""
    repository, colon, tag = reference.rpartition(":")
    if not colon:
        raise InvalidName(f"{reference[:80]!r} is no tag: write repository:tag, like team/app:1.0")
    return TagName(registry_of(settings, registry), Repository(repository), Tag(tag))
