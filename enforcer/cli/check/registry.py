"""Checks of one registry: whether it answers us, lets us restore, and can be trusted with our secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from enforcer.cli.check.result import Result, failed, ok, warning
from enforcer.errors import RegistryDenied, RegistryError, RegistryUnavailable
from enforcer.names import NO_NAMESPACE, Namespace, RegistryName, Repository
from enforcer.registries.client import RegistryClient
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.settings.settings import RegistrySettings

TOKEN_LENGTH = 16
"""Characters below which a token can be guessed."""

PROBE = "tag-enforcer-check"
"""The repository to which a push is tried that no registry can accept."""


def probe_of(namespace: str) -> Repository:
    """The repository of a namespace to which a push is tried."""
    return Repository(PROBE if namespace == NO_NAMESPACE else f"{namespace}/{PROBE}")


def check_registry(
    name: RegistryName,
    registry: RegistrySettings,
    restored: Iterable[Namespace],
    public_url: str,
    *,
    bypassed: Iterable[Namespace] = (),
) -> Iterator[Result]:
    """Check a registry in which tags of these namespaces are to be restored, and may be moved by bypass actors."""
    subject, endpoint = f"registry {name}", RegistryEndpoint.of(name, registry)
    yield from _check_answers(subject, endpoint, [probe_of(each) for each in restored])
    yield from _check_actors(subject, endpoint, bypassed)
    yield from _check_secrets(subject, registry)
    if is_loopback(public_url) and not is_loopback(registry.url):
        text = f"it cannot reach public_url {public_url} from another host: set it to an address that it can"
        yield warning(subject, text)


def _check_answers(subject: str, endpoint: RegistryEndpoint, probes: list[Repository]) -> Iterator[Result]:
    who = f"user {endpoint.username}" if endpoint.username else "anybody"
    namespaces = ", ".join(probe.namespace for probe in probes)
    with RegistryClient(endpoint) as client:
        try:
            client.ping()
        except RegistryError as error:
            yield failed(subject, f"{_kind(error, 'wrong username or password')}: {error}")
            return
        refused = list(_refused(subject, client, probes))
    yield from refused
    if not refused:
        right = f" and takes pushes to {namespaces}" if probes else ""
        yield ok(subject, f"{endpoint.url} answers {who}{right}")


def _refused(subject: str, client: RegistryClient, probes: Iterable[Repository]) -> Iterator[Result]:
    for probe in probes:
        try:
            client.can_push(probe)
        except RegistryError as error:
            yield failed(subject, f"{_kind(error, f'no push right in {probe.namespace}')}: {error}")


def _check_actors(subject: str, endpoint: RegistryEndpoint, bypassed: Iterable[Namespace]) -> Iterator[Result]:
    namespaces = ", ".join(sorted(set(bypassed)))
    if not namespaces:
        return
    with RegistryClient(endpoint) as client:
        try:
            if client.asks_for_credentials():
                return
        except RegistryError as error:
            yield warning(subject, f"the bypass_actors of {namespaces} may count for nothing: {error}")
            return
    advice = "it asks for no credentials, so a client can call itself anything; let clients log in"
    yield warning(subject, f"the bypass_actors of {namespaces} count for nothing: {advice}")


def _kind(error: RegistryError, denied: str) -> str:
    if isinstance(error, RegistryDenied):
        return denied
    if isinstance(error, RegistryUnavailable) and error.status is None:
        return "unreachable"
    return "not usable"


def _check_secrets(subject: str, registry: RegistrySettings) -> Iterator[Result]:
    for key in ("notification_token", "notification_token_previous"):
        token = getattr(registry, key)
        if token is not None and len(token) < TOKEN_LENGTH:
            advice = f"whoever guesses it can say what was pushed; take at least {TOKEN_LENGTH} random ones"
            yield warning(subject, f"{key} has only {len(token)} characters: {advice}")
    for key in ("url", "token_url"):
        address = getattr(registry, key)
        if registry.password and address and address.startswith("http://") and not is_loopback(address):
            yield warning(subject, f"the password goes to {address} in plain text: use https")


def is_loopback(address: str) -> bool:
    """True if a URL leads to this very machine, told from the URL alone."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
