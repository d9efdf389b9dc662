"""Every error that Tag Enforcer raises on purpose.

The text of an error says what was wrong and what to do about it; what a caller branches on is an attribute.
"""

from __future__ import annotations

from collections.abc import Sequence


class EnforcerError(Exception):
    """The base of all of them; the command line prints its text and exits with status 1."""


class InvalidName(EnforcerError, ValueError):
    """A text is not a registry, repository, tag, digest or time."""


class InvalidPattern(EnforcerError, ValueError):
    """A pattern cannot be accepted; the text names the rule that it breaks."""


class InvalidPolicy(EnforcerError, ValueError):
    """A policy cannot be accepted; the text names the field."""


class PolicyConflict(EnforcerError):
    """A policy has no place: its namespace has as many as it may have, or one that says the same."""


class StalePolicy(EnforcerError):
    """A policy was changed by another client since it was read; `revision` is the one that it has now."""

    def __init__(self, message: str, revision: int) -> None:
        super().__init__(message)
        self.revision = revision


class NotFound(EnforcerError):
    """There is no such registry, namespace, policy, tag or violation; `kind` says which."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.kind = kind


class InvalidSettings(EnforcerError):
    """The configuration cannot be used; `problems` has one line for each key that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class InvalidNotification(EnforcerError, ValueError):
    """A notification, or one event in it, is not what its registry should send."""


class StoreUnavailable(EnforcerError):
    """Redis did not take or give what was asked: it is away, out of memory or read-only."""


class ServerFailed(EnforcerError):
    """A server that Tag Enforcer starts itself did not come up."""


class RegistryError(EnforcerError):
    """A registry did not do what it was asked.

    `temporary` says whether the same request may succeed later; `retry_after` is the registry's own wish, in seconds.
    """

    # Branched on by the worker, which retries by itself only where waiting can help.
    temporary = False

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class RegistryUnavailable(RegistryError):
    """Unreachable, 5xx, 429, or 405 while it is read-only for a garbage collection."""

    temporary = True


class RegistryDenied(RegistryError):
    """401 with a fresh token, or 403: the credentials do not serve."""


class ManifestMissing(RegistryError):
    """404: the registry has no such tag or manifest."""


class BlobsMissing(RegistryError):
    """400 `MANIFEST_BLOB_UNKNOWN`: layers or children of the manifest are gone; `digests` names them."""

    def __init__(self, message: str, digests: Sequence[str], *, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.digests = tuple(digests)


class TagLocked(RegistryError):
    """412: the registry has an immutability rule of its own for this tag (Harbor)."""


class RegistryRefused(RegistryError):
    """Any other answer that will be the same next time."""


class UnverifiableManifest(RegistryRefused):
    """A manifest of schema 1 whose bytes cannot be checked against its digest."""
