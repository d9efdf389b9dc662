"""The calls to a registry: is this tag what it must be, give me that manifest, take this one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from enforcer.errors import InvalidName, ManifestMissing, RegistryDenied, RegistryRefused, RegistryUnavailable
from enforcer.manifests import ACCEPT, MANIFEST_LIMIT, OCI_MANIFEST, Manifest, digest_of, digest_or_none, media_type_of
from enforcer.names import Digest, Repository, Tag
from enforcer.registries.auth import Authenticator
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.pagination import FIRST_PAGE, PAGE_LIMIT, Query, names_in, next_page, wants_other_size
from enforcer.registries.transport import Answer, Request, Transport

CHECK_TAG = Tag("tag-enforcer-check")
"""Named in a push that no registry can accept."""

_NO_MANIFEST = b"Tag Enforcer finds out whether it may push"

_Name = TypeVar("_Name", Repository, Tag)


class RegistryClient:
    """One registry's API, for use by many threads at a time.

    Every method raises `RegistryError`: `RegistryUnavailable` where the same may succeed later, and any other kind
    where it will not. Nothing is tried twice, except once with a new token after a 401. Addresses are made of the
    settings and of checked names only, and redirects are not followed.
    """

    def __init__(self, endpoint: RegistryEndpoint) -> None:
        self.endpoint = endpoint
        self._transport = Transport(endpoint)
        self._authenticator = Authenticator(endpoint, self._transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def ping(self) -> None:
        """Find out whether there is a registry which accepts the credentials."""
        what = f"asking registry {self.endpoint.name} whether it is there"
        answer = self._ask(Request(method="GET", url=self._url(""), what=what), scope="")
        if answer.status == 404:
            raise RegistryRefused(f"{what}: 404 Not Found, so that is no registry: check its url", status=404)
        if answer.status != 200:
            raise answer.error(what)

    def asks_for_credentials(self) -> bool:
        """True if the registry asks who comes: only then is the actor that it reports more than a client's claim."""
        what = f"asking registry {self.endpoint.name} whether it wants credentials"
        answer = self._transport.send(Request(method="GET", url=self._url(""), what=what))
        if answer.status not in (200, 401):
            raise answer.error(what)
        return answer.status == 401

    def head(self, repository: Repository, reference: Tag | Digest) -> Digest | None:
        """The digest that a tag has now; None where the registry says that there is no such tag or repository."""
        what = f"looking at {self._shown(repository, reference)}"
        url = self._manifest_url(repository, reference)
        answer = self._ask(Request(method="HEAD", url=url, what=what, headers={"Accept": ACCEPT}), _pull(repository))
        try:
            if answer.status != 200:
                raise answer.error(what)
            # Some registries leave the header out of a HEAD: then only the content tells the digest.
            digest = _served_digest(answer)
            return digest if digest is not None else self.get(repository, reference).digest
        except ManifestMissing:
            return None

    def get(self, repository: Repository, reference: Tag | Digest) -> Manifest:
        """A manifest whose bytes have the digest that was asked for, or that the registry says the tag has.

        Raises `ManifestMissing`, and `RegistryRefused` where the bytes are others.
        """
        what = f"reading {self._shown(repository, reference)}"
        url = self._manifest_url(repository, reference)
        answer = self._ask(
            Request(method="GET", url=url, what=what, headers={"Accept": ACCEPT}, limit=MANIFEST_LIMIT),
            _pull(repository),
        )
        if answer.status != 200:
            raise answer.error(what)
        if not answer.complete:
            raise RegistryRefused(f"{what}: longer than the {MANIFEST_LIMIT} bytes that a manifest may have")
        # Asked for by digest, the header counts for nothing: the bytes must have the digest that was asked for.
        expected = reference if isinstance(reference, Digest) else _served_digest(answer)
        media_type = media_type_of(answer.headers.get("Content-Type", ""), answer.body)
        try:
            return Manifest.checked(answer.body, media_type, expected or digest_of(answer.body))
        except RegistryRefused as error:
            raise type(error)(f"{what}: {error}") from error

    def put(self, repository: Repository, reference: Tag | Digest, manifest: Manifest) -> None:
        """Make a tag this manifest, whatever it is now. That the registry took it is no proof that it stays."""
        what = f"putting {self._shown(repository, reference)}"
        answer = self._put(repository, reference, manifest.media_type, manifest.content, what)
        if not 200 <= answer.status < 300:
            raise answer.error(what)

    def can_push(self, repository: Repository) -> None:
        """Find out whether a restore would be allowed, without one. Raises `RegistryDenied` if not.

        What is pushed is no manifest, not even JSON: a registry first asks who we are, then refuses it and keeps
        nothing. (`{}` would not do: Distribution 2.8 answers that with a 500.)
        """
        what = f"trying to push to {repository} in {self.endpoint.name}"
        answer = self._put(repository, CHECK_TAG, OCI_MANIFEST, _NO_MANIFEST, what)
        if 200 <= answer.status < 300:
            return
        error = answer.error(what)
        if isinstance(error, RegistryDenied):
            account = (
                f"account {self.endpoint.username}"
                if self.endpoint.username
                else "an account, of which none is configured,"
            )
            raise RegistryDenied(
                f"{error}. To restore tags, {account} needs the right to pull and push there", status=error.status
            )
        if isinstance(error, RegistryUnavailable) or 300 <= answer.status < 400:
            raise error

    def check_blob(self, repository: Repository, digest: Digest) -> bool:
        """True if the registry says that it has a layer or configuration."""
        what = f"looking for blob {digest} of {repository} in {self.endpoint.name}"
        url = self._url(f"{repository}/blobs/{digest}")
        answer = self._ask(Request(method="HEAD", url=url, what=what), _pull(repository))
        if answer.status in (200, 302, 303, 307):  # a registry on an object store redirects to what it has found there
            return True
        error = answer.error(what)
        if isinstance(error, ManifestMissing):
            return False
        raise error

    def repositories(self) -> Iterator[Repository]:
        """All repositories; names that are none are left out. Asks and raises while it is read."""
        what = f"listing the repositories of {self.endpoint.name}"
        return _valid(self._names("_catalog", "repositories", what, "registry:catalog:*"), Repository)

    def tags(self, repository: Repository) -> Iterator[Tag]:
        """All tags of a repository, none if it does not exist. Asks and raises while it is read."""
        what = f"listing the tags of {repository} in {self.endpoint.name}"
        try:
            yield from _valid(self._names(f"{repository}/tags/list", "tags", what, _pull(repository)), Tag)
        except ManifestMissing:
            return

    def _names(self, path: str, key: str, what: str, scope: str) -> Iterator[str]:
        query: Query | None = FIRST_PAGE
        seen: set[str] = set()
        while query is not None:
            request = Request(method="GET", url=self._url(path), what=what, query=query, limit=PAGE_LIMIT)
            answer = self._ask(request, scope)
            if query is FIRST_PAGE and wants_other_size(answer):
                query = ()  # without n, the registry takes its own size and says by Link how to go on
                continue
            names = names_in(answer, key, what)
            if not names or names[-1] in seen:  # the registry ignores `last`
                return
            seen.add(names[-1])
            yield from names
            query = next_page(answer, names)

    def _put(
        self, repository: Repository, reference: Tag | Digest, media_type: str, content: bytes, what: str
    ) -> Answer:
        url = self._manifest_url(repository, reference)
        headers = {"Content-Type": media_type}
        request = Request(method="PUT", url=url, what=what, headers=headers, body=content)
        return self._ask(request, f"repository:{repository}:pull,push")

    def _ask(self, request: Request, scope: str) -> Answer:
        sent = self._authenticator.header(scope)
        answer = self._transport.send(request, sent)
        if answer.status != 401:
            return answer
        renewed = self._authenticator.renewed(answer.headers.get("WWW-Authenticate", ""), scope, sent)
        return answer if renewed is None else self._transport.send(request, renewed)

    def _url(self, path: str) -> str:
        return f"{self.endpoint.url}/v2/{path}"

    def _manifest_url(self, repository: Repository, reference: Tag | Digest) -> str:
        return self._url(f"{repository}/manifests/{reference}")

    def _shown(self, repository: Repository, reference: Tag | Digest) -> str:
        mark = "@" if isinstance(reference, Digest) else ":"
        return f"{repository}{mark}{reference} in {self.endpoint.name}"


def _pull(repository: Repository) -> str:
    return f"repository:{repository}:pull"


def _served_digest(answer: Answer) -> Digest | None:
    return digest_or_none(answer.headers.get("Docker-Content-Digest"))


def _valid(names: Iterator[str], named: Callable[[str], _Name]) -> Iterator[_Name]:
    for name in names:
        try:
            yield named(name)
        except InvalidName:
            continue
