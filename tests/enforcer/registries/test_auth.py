from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from enforcer.errors import RegistryDenied, RegistryError, RegistryRefused, RegistryUnavailable
from enforcer.names import RegistryName
from enforcer.registries.auth import Authenticator
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.transport import Answer, Transport
from tests.fakes.registry import FakeRegistry

OPS = ("ops", "swörd:fish")
PULL = "repository:team/app:pull"
BASIC = 'Basic realm="here"'


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry():
    with FakeRegistry(bearer=OPS) as registry:
        yield registry


@pytest.fixture
def clock():
    return Clock()


@contextmanager
def authenticator(url: str, clock: Clock | None = None, *, most: int = 100, **settings):
    account = {"username": OPS[0], "password": OPS[1], "timeout": 5.0, **settings}
    endpoint = RegistryEndpoint(name=RegistryName("main"), url=url, **account)
    transport = Transport(endpoint)
    try:
        yield Authenticator(endpoint, transport, clock or Clock(), most=most)
    finally:
        transport.close()


def challenge(registry: FakeRegistry, scope: str = "", realm: str = "") -> str:
    parts = [f'Bearer realm="{realm or registry.url + "/token"}"', 'service="fake, registry"']
    return ",".join([*parts, f'scope="{scope}"'] if scope else parts)


def test_nothing_is_sent_before_the_registry_asks(registry):
    """A registry that asks for nothing gets no credentials."""
    with authenticator(registry.url) as auth:
        assert auth.header(PULL) is None

    assert registry.requests == []


def test_basic(registry):
    """A registry that asks for Basic gets it, and from then on without asking."""
    with authenticator(registry.url) as auth:
        header = auth.renewed(BASIC, PULL, None)

        assert header == "Basic b3BzOnN3w7ZyZDpmaXNo"
        assert auth.header("repository:other/app:pull,push") == header


def test_basic_that_was_refused_is_not_sent_again(registry):
    """There are no other credentials than those of the settings."""
    with authenticator(registry.url) as auth:
        header = auth.renewed(BASIC, PULL, None)

        assert auth.renewed(BASIC, PULL, header) is None


@pytest.mark.parametrize("header", ["", "Negotiate", "Digest realm=x", BASIC])
def test_nothing_to_answer_with(registry, header):
    """Without a username, or for a scheme that is neither Basic nor Bearer, there is nothing to send."""
    with authenticator(registry.url, username="") as auth:
        assert auth.renewed(header, PULL, None) is None


def test_token(registry):
    """A token is asked for with service, scope and credentials."""
    with authenticator(registry.url) as auth:
        header = auth.renewed(challenge(registry, PULL), PULL, None)

    assert header == "Bearer token-1"
    assert registry.requests == [("GET", "/token?service=fake%2C+registry&scope=repository%3Ateam%2Fapp%3Apull")]
    assert registry.headers[0]["authorization"] == "Basic b3BzOnN3w7ZyZDpmaXNo"


def test_each_scope_is_asked_for_by_its_own(registry):
    """What the request needs and what the registry adds are all asked for, each in a parameter of its own."""
    with authenticator(registry.url) as auth:
        auth.renewed(challenge(registry, "repository:b/b:pull repository:team/app:push,pull"), PULL, None)

    assert registry.requests[0][1].endswith(
        "&scope=repository%3Ab%2Fb%3Apull&scope=repository%3Ateam%2Fapp%3Apull%2Cpush"
    )


def test_token_without_a_scope(registry):
    """For a request that only needs to be known, no scope is asked for."""
    with authenticator(registry.url) as auth:
        auth.renewed(challenge(registry), "", None)

    assert registry.requests == [("GET", "/token?service=fake%2C+registry")]


def test_token_for_nobody(registry):
    """Without a username a token is asked for without credentials, as public registries want it."""
    registry.fail_with(200, body=b'{"token": "public"}')
    with authenticator(registry.url, username="") as auth:
        assert auth.renewed(challenge(registry), PULL, None) == "Bearer public"

    assert "authorization" not in registry.headers[0]


def test_token_is_used_again(registry):
    """A second request with the same needs asks neither the registry nor the token service."""
    with authenticator(registry.url) as auth:
        first = auth.renewed(challenge(registry, PULL), PULL, None)

        assert auth.header(PULL) == first

    assert len(registry.requests) == 1


def test_order_of_actions_makes_no_other_token(registry):
    """A registry that names the same actions in another order is satisfied by the same token."""
    scope = "repository:team/app:pull,push"
    with authenticator(registry.url) as auth:
        first = auth.renewed(challenge(registry, "repository:team/app:push,pull"), scope, None)

        assert auth.renewed(challenge(registry, "repository:team/app:pull,push"), scope, None) == first


def test_other_needs_have_another_token(registry):
    """A known registry's token service is asked for the next scope before the registry asks."""
    with authenticator(registry.url) as auth:
        first = auth.renewed(challenge(registry, PULL), PULL, None)
        second = auth.header("repository:team/app:pull,push")

        assert first != second
        assert auth.header(PULL) == first


def test_rejected_token_is_replaced(registry):
    """A token that the registry refuses is not used again."""
    with authenticator(registry.url) as auth:
        first = auth.renewed(challenge(registry, PULL), PULL, None)
        second = auth.renewed(challenge(registry, PULL), PULL, first)

        assert second != first
        assert auth.header(PULL) == second


def test_token_that_another_thread_replaced_is_taken(registry):
    """Of many threads whose token was refused, one asks for a new one."""
    with authenticator(registry.url) as auth:
        first = auth.renewed(challenge(registry, PULL), PULL, None)
        registry.latency = 0.05
        with ThreadPoolExecutor(8) as threads:
            renewed = threads.map(lambda _: auth.renewed(challenge(registry, PULL), PULL, first), range(8))

            assert set(renewed) == {"Bearer token-2"}


def test_wider_scope_needs_a_new_token(registry):
    """Where the registry asks for more than the token was for, there is a new one for all of it."""
    with authenticator(registry.url) as auth:
        first = auth.renewed(challenge(registry, PULL), PULL, None)

        assert auth.renewed(challenge(registry, "repository:other/base:pull"), PULL, "Bearer older") != first

    assert "other%2Fbase%3Apull" in registry.requests[1][1]
    assert "team%2Fapp%3Apull" in registry.requests[1][1]


@pytest.mark.parametrize(
    ("lifetime", "good", "over"),
    [(300, 289, 290), (None, 49, 50), (0, 49, 50), ("soon", 49, 50), (4, 1, 2), (10**9, 3589, 3590)],
)
def test_token_is_replaced_before_its_end(registry, clock, lifetime, good, over):
    """A token is not used in its last seconds; one that does not say how long it holds, holds 60 seconds."""
    registry.token_lifetime = lifetime
    with authenticator(registry.url, clock) as auth:
        first = auth.renewed(challenge(registry, PULL), PULL, None)

        clock.now += good
        assert auth.header(PULL) == first
        clock.now += over - good
        assert auth.header(PULL) != first


def test_tokens_that_are_remembered_are_bounded(registry):
    """A sweep over any number of repositories does not grow without end; the oldest is asked for again."""
    with authenticator(registry.url, most=2) as auth:
        first = auth.renewed(challenge(registry), "repository:a/a:pull", None)
        auth.header("repository:b/b:pull")
        third = auth.header("repository:c/c:pull")

        assert auth.header("repository:c/c:pull") == third
        assert auth.header("repository:a/a:pull") != first


def test_other_name_of_the_token(registry):
    """OAuth's name for the token is understood too."""
    registry.fail_with(200, body=b'{"access_token": "abc", "expires_in": 100}')
    with authenticator(registry.url) as auth:
        assert auth.renewed(challenge(registry), PULL, None) == "Bearer abc"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"token": null}',
        b'{"token": 7}',
        b'{"token": "two words"}',
        b'{"token": "line\\r\\nX-Injected: yes"}',
        json.dumps({"token": "x" * 20_000}).encode(),
        b"[" * 60_000,
        b'{"token": "abc"}' + b" " * 70_000,
    ],
    ids=str,
)
def test_answer_without_a_token(registry, body):
    """What holds no token that fits a header is refused, and what was sent is not repeated."""
    registry.fail_with(200, body=body)
    with authenticator(registry.url) as auth, pytest.raises(RegistryRefused) as caught:
        auth.renewed(challenge(registry), PULL, None)

    assert "asking 127.0.0.1" in str(caught.value)
    assert "Injected" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, RegistryDenied),
        (403, RegistryDenied),
        (404, RegistryRefused),
        (412, RegistryRefused),
        (307, RegistryRefused),
        (429, RegistryUnavailable),
        (503, RegistryUnavailable),
    ],
)
def test_token_service_that_refuses(registry, status, kind):
    """Its errors are of the same kinds, but none says anything about a tag."""
    registry.fail_with(status, {"Location": "http://127.0.0.1/"})
    with authenticator(registry.url) as auth, pytest.raises(RegistryError) as caught:
        auth.renewed(challenge(registry), PULL, None)

    assert type(caught.value) is kind
    assert caught.value.status == status
    assert "for a token for registry main" in str(caught.value)
    assert OPS[1] not in str(caught.value)
    assert len(registry.requests) == 1


def test_token_service_that_is_away(registry):
    """A token service that does not answer is as temporary as a registry that does not."""
    with authenticator(registry.url) as auth:
        registry.stop()
        with pytest.raises(RegistryUnavailable):
            auth.renewed(challenge(registry), PULL, None)


@pytest.mark.parametrize(
    ("url", "token_url", "realm", "trusted"),
    [
        ("http://registry.test", None, "http://registry.test/token", True),
        ("http://registry.test:5000", None, "https://registry.test/token", False),
        ("https://registry.test", None, "https://registry.test:8443/token?x=1", False),
        ("https://registry.test", None, "https://REGISTRY.test/token", True),
        ("https://registry.test", None, "http://registry.test/token", False),
        ("https://registry.test", None, "https://auth.registry.test/token", False),
        ("https://registry.test", None, "https://registry.test.evil.example/token", False),
        ("https://registry.test", None, "https://registry.test@evil.example/", False),
        ("https://registry.test", None, "https://evil.example/registry.test", False),
        ("https://registry.test", None, "https://evil.example\\@registry.test/", False),
        ("https://registry.test", None, "https://registry.test\\.evil.example/", False),
        ("https://registry.test", None, "https://registry.test#.evil.example/", False),
        ("https://registry.test", None, "//registry.test/token", False),
        ("https://registry.test", None, "ftp://registry.test/token", False),
        ("https://registry.test", None, "file:///etc/passwd", False),
        ("https://registry.test", None, "https://[::::]:1:/", False),
        ("https://registry.test", None, "https://[1.2.3]/", False),
        ("https://registry.test", None, "", False),
        ("https://[::1]:5000", None, "https://[::1]/token", False),
        ("https://registry.test", "https://auth.test/token", "https://auth.test/token", True),
        ("https://registry.test", "https://auth.test/token", "https://Auth.test:443/token/", True),
        ("https://registry.test", "https://auth.test/token", "https://registry.test/token", True),
        ("https://registry.test", "http://auth.test/token", "http://auth.test/token", True),
        ("https://registry.test", "https://auth.test/token", "http://auth.test/token", False),
        ("https://registry.test", "https://auth.test/token", "https://auth.test:8443/token", False),
        ("https://registry.test", "https://auth.test/token", "https://auth.test/other", False),
        ("https://registry.test", "https://auth.test/token", "https://evil.example/token", False),
    ],
)
def test_where_credentials_go(url, token_url, realm, trusted):
    """Credentials go to the configured token service, or to one on the registry's host that is as well protected."""
    asked: list[str] = []
    endpoint = RegistryEndpoint(name=RegistryName("main"), url=url, username="ops", password="x", token_url=token_url)
    auth = Authenticator(endpoint, RecordingTransport(endpoint, asked))

    if trusted:
        assert auth.renewed(f'Bearer realm="{realm}"', PULL, None) == "Bearer abc"
        assert asked == [realm]
    else:
        with pytest.raises(RegistryDenied, match="set token_url of the registry"):
            auth.renewed('Bearer realm="{}"'.format(realm.replace("\\", "\\\\")), PULL, None)
        assert asked == []


class RecordingTransport(Transport):
    """Sends nothing, notes where it would have gone, and answers with a token."""

    def __init__(self, endpoint: RegistryEndpoint, asked: list[str]) -> None:
        super().__init__(endpoint)
        self.asked = asked

    def send(self, request, authorization=None):
        self.asked.append(request.url)
        return Answer(200, {}, b'{"token": "abc"}', complete=True)


def test_untrusted_token_service_is_named(registry):
    """The error names the host, so that whoever reads it can set `token_url` or look into it."""
    with authenticator(registry.url) as auth, pytest.raises(RegistryDenied, match=r"https://auth\.example\.com:8443,"):
        auth.renewed('Bearer realm="https://auth.example.com:8443/token?secret=1"', PULL, None)


def test_basic_where_the_token_service_is_not_trusted(registry):
    """A registry that takes Basic itself gets that, rather than a stranger a token request."""
    both = f'Bearer realm="https://evil.example/token", {BASIC}'
    with authenticator(registry.url) as auth:
        assert auth.renewed(both, PULL, None).startswith("Basic ")


def test_bearer_is_preferred(registry):
    """Of the two a token is the better: the registry does not see the password."""
    with authenticator(registry.url) as auth:
        assert auth.renewed(f"{BASIC}, {challenge(registry)}", PULL, None) == "Bearer token-1"


def test_change_from_basic_to_bearer(registry):
    """A registry whose configuration changes meanwhile is followed."""
    with authenticator(registry.url) as auth:
        basic = auth.renewed(BASIC, PULL, None)
        token = auth.renewed(challenge(registry), PULL, basic)

        assert auth.header(PULL) == token
