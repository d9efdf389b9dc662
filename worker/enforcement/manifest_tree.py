"""A manifest and all manifests below it: what an index lists, and what the indexes among these list."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from enforcer.errors import RegistryError
from enforcer.manifests import Manifest
from enforcer.names import Digest

MANIFESTS = 2000
"""Manifests of one tree that are read; build tools make a dozen."""

LEVELS = 8
"""Levels of one tree that are read; build tools make two."""


class ManifestTree:
    """The tree below `root`, read level by level by `read`, which raises `RegistryError`.

    `found` are the manifests that could be read, `lacking` those that could not: an index may list what its registry
    does not have. `is_cut` says that the tree is larger than what is read of one.
    """

    def __init__(self, root: Digest, read: Callable[[Digest], Manifest]) -> None:
        self.root = root
        self.media_type = ""
        self.found: list[Digest] = []
        self.lacking: list[Digest] = []
        self.is_cut = False
        self._read = read
        self._waiting = deque([(root, 1)])
        self._listed = {root}

    def read_on(self, count: int) -> bool:
        """Read so many more manifests; returns whether that was all of the tree.

        Raises `RegistryError` if the root cannot be read, or the registry cannot answer now: what could not be read
        comes first the next time.
        """
        while self._waiting and count > 0:
            self._read_next()
            count -= 1
        return not self._waiting

    def _read_next(self) -> None:
        digest, level = self._waiting[0]
        try:
            manifest = self._read(digest)
        except RegistryError as error:
            if digest == self.root or error.temporary:
                raise
            self.lacking.append(digest)
        else:
            self.found.append(digest)
            self._descend(manifest, level)
        self._waiting.popleft()

    def _descend(self, manifest: Manifest, level: int) -> None:
        if manifest.digest == self.root:
            self.media_type = manifest.media_type
        for child in manifest.children:
            if child in self._listed:
                continue
            if level == LEVELS or len(self._listed) == MANIFESTS:
                self.is_cut = True
                return
            self._listed.add(child)
            self._waiting.append((child, level + 1))
