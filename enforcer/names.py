"""The names of the registry world: text becomes one of these types once, at the edge, or an error that says why.

Each is a `str`, so it can be compared, hashed, put into JSON and into Redis as it is; a value of the type is valid.
Grammar: the OCI distribution specification, "Pulling manifests".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from enforcer.errors import InvalidName

NO_NAMESPACE = "_"
"""The namespace of a repository without a slash. No repository can be called so."""

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REGISTRY = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_NAMESPACE = re.compile(_COMPONENT)
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_SIGNATURE_TAG = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")

REPOSITORY_LENGTH = 255


def _shown(text: object) -> str:
    """As much of an untrusted text as an error may repeat."""
    shown = repr(text)
    return shown if len(shown) <= 80 else shown[:77] + "..."


class RegistryName(str):
    """The name under which a registry is configured; part of URLs and of Redis keys."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _REGISTRY.fullmatch(text):
            raise InvalidName(
                f"{_shown(text)} is no registry name: 1 to 63 of a-z, 0-9, '.', '_' and '-', first a letter or digit"
            )
        return super().__new__(cls, text)


class Namespace(str):
    """The first component of a repository, or `_` for repositories without a slash."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if text != NO_NAMESPACE and not (len(text) <= REPOSITORY_LENGTH and _NAMESPACE.fullmatch(text)):
            raise InvalidName(
                f"{_shown(text)} is no namespace: the first component of a repository, "
                f"or {NO_NAMESPACE!r} for repositories without a slash"
            )
        return super().__new__(cls, text)


class Repository(str):
    """`namespace/rest/of/path`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if len(text) > REPOSITORY_LENGTH:
            raise InvalidName(f"{_shown(text)} is no repository: longer than {REPOSITORY_LENGTH} characters")
        if not _REPOSITORY.fullmatch(text):
            raise InvalidName(
                f"{_shown(text)} is no repository: components of a-z and 0-9, joined inside by '.', '_', '__' or '-', "
                "and parted by '/'"
            )
        return super().__new__(cls, text)

    @property
    def namespace(self) -> str:
        """The first component; `_` where there is only one."""
        first, slash, _ = self.partition("/")
        return first if slash else NO_NAMESPACE

    @property
    def path(self) -> str:
        """The part that policies compare: everything after the namespace."""
        first, slash, rest = self.partition("/")
        return rest if slash else first


class Tag(str):
    """1 to 128 characters that name a manifest of a repository."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _TAG.fullmatch(text):
            raise InvalidName(
                f"{_shown(text)} is no tag: 1 to 128 of A-Z, a-z, 0-9, '_', '.' and '-', the first neither '.' nor '-'"
            )
        return super().__new__(cls, text)

    @property
    def is_signature(self) -> bool:
        """True for a tag that tools rewrite by design: cosign's tags and the OCI referrers' fallback tag."""
        return _SIGNATURE_TAG.fullmatch(self) is not None


class Digest(str):
    """`sha256:` or `sha512:` and the lower-case hex digits of a content's hash."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        if not _DIGEST.fullmatch(text):
            raise InvalidName(
                f"{_shown(text)} is no digest: 'sha256:' and 64, or 'sha512:' and 128 lower-case hex digits"
            )
        return super().__new__(cls, text)

    @classmethod
    def of(cls, content: bytes) -> Self:
        """The sha256 digest of a content."""
        return cls("sha256:" + hashlib.sha256(content).hexdigest())

    def matches(self, content: bytes) -> bool:
        """True if the content has this digest."""
        algorithm, _, expected = self.partition(":")
        return hashlib.new(algorithm, content).hexdigest() == expected

    @property
    def short(self) -> str:
        """Enough of it for a person to tell two apart."""
        algorithm, _, value = self.partition(":")
        return f"{algorithm}:{value[:12]}"


@dataclass(frozen=True, slots=True, order=True)
class TagName:
    """One tag of one repository of one registry; as text `registry/repository:tag`."""

    registry: RegistryName
    repository: Repository
    tag: Tag

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}:{self.tag}"

    @property
    def parts(self) -> tuple[RegistryName, Repository, Tag]:
        """Registry, repository and tag."""
        return (self.registry, self.repository, self.tag)

    @property
    def place(self) -> tuple[RegistryName, Repository]:
        """Registry and repository."""
        return (self.registry, self.repository)

    @property
    def reference(self) -> str:
        """How people write it: `repository:tag`."""
        return f"{self.repository}:{self.tag}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str()` wrote. Raises `InvalidName`."""
        registry, slash, rest = text.partition("/")
        repository, colon, tag = rest.rpartition(":")
        if not (slash and colon):
            raise InvalidName(f"{_shown(text)} is no tag of a registry: write registry/repository:tag")
        return cls(RegistryName(registry), Repository(repository), Tag(tag))


REASON_LENGTH = 1024
"""Characters of a reason."""


def read_reason(text: str) -> str:
    """The reason on one line, without what could disturb a terminal or a log. Raises `InvalidName`."""
    if len(text) > REASON_LENGTH:
        raise InvalidName(f"a reason has up to {REASON_LENGTH} characters, not {len(text)}")
    reason = "".join(_plain(character) for character in text).strip()
    if not reason:
        raise InvalidName("a reason is needed: it says to others why this was done")
    return reason


def _plain(character: str) -> str:
    # Line breaks and escape sequences would let a reason forge lines of a log or rewrite a terminal.
    if character.isspace():
        return " "
    return character if character.isprintable() else "\N{REPLACEMENT CHARACTER}"
