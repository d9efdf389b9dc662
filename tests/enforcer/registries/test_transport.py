from __future__ import annotations

import gzip
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from enforcer.errors import ManifestMissing, RegistryRefused, RegistryUnavailable
from enforcer.names import RegistryName
from enforcer.registries.endpoint import RegistryEndpoint
from enforcer.registries.transport import Request, Transport
from tests.fakes.registry import FakeRegistry


@pytest.fixture
def registry():
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def transport(registry):
    transport = Transport(endpoint(registry.url))
    yield transport
    transport.close()


@pytest.fixture
def environment(monkeypatch):
    """Sets an environment variable; what this machine says of proxies does not count."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch.setenv


def endpoint(url: str, **settings) -> RegistryEndpoint:
    return RegistryEndpoint(name=RegistryName("main"), url=url, **{"timeout": 5.0, **settings})


def get(url: str, **fields) -> Request:
    return Request(method="GET", url=url, what="testing", **fields)


def failure_at(url: str, **settings) -> RegistryUnavailable | RegistryRefused:
    transport = Transport(endpoint(url, **settings))
    try:
        with pytest.raises((RegistryUnavailable, RegistryRefused)) as caught:
            transport.send(get(url))
        return caught.value
    finally:
        transport.close()


def test_answer(registry, transport):
    """An answer has status, headers in any case and body, whatever its status."""
    registry.fail_with(418, {"X-Teapot": "yes"}, b"short and stout")

    answer = transport.send(get(registry.url))

    assert (answer.status, answer.headers["x-teapot"], answer.body, answer.complete) == (
        418,
        "yes",
        b"short and stout",
        True,
    )


@pytest.mark.parametrize(("length", "kept", "complete"), [(9, 9, True), (10, 10, True), (11, 10, False)])
def test_body_is_bounded(registry, transport, length, kept, complete):
    """Of a longer body the limit is read, and it is told that there was more."""
    registry.fail_with(200, body=b"x" * length)

    answer = transport.send(get(registry.url, limit=10))

    assert (len(answer.body), answer.complete) == (kept, complete)


def test_unpacked_body_is_bounded(registry, transport):
    """A small compressed body cannot become a huge one."""
    registry.fail_with(200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 10_000_000))

    answer = transport.send(get(registry.url, limit=1000))

    assert (answer.body, answer.complete) == (b"x" * 1000, False)


def test_compression_is_not_asked_for(registry, transport):
    """Digests are about the plain bytes."""
    transport.send(get(registry.url))

    assert registry.headers[0]["accept-encoding"] == "identity"


def test_error_body_is_bounded_by_its_own_limit(registry, transport):
    """However much a success may hold, an error is read up to 64 KiB."""
    registry.fail_with(500, body=b"x" * 100_000)

    assert len(transport.send(get(registry.url, limit=10_000_000)).body) == 65536


def test_cut_off_body(registry, transport):
    """A connection that breaks in the middle of a body gives no half of it."""
    registry.fail_with(200, {"Content-Length": "100", "Connection": "close"}, b"only this")

    with pytest.raises(RegistryUnavailable, match="testing: no answer from"):
        transport.send(get(registry.url))


def test_connections_are_used_again(registry, transport):
    """Requests one after the other use one connection, whatever was answered."""
    for status in (200, 404, 302, 500):
        registry.fail_with(status, {"Location": "/elsewhere"}, b"body")
        transport.send(get(registry.url))

    assert registry.connections == 1


def test_many_threads(registry, transport):
    """Requests of many threads are under way at the same time, and each gets its own answer."""
    registry.latency = 0.1

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda number: transport.send(get(f"{registry.url}/{number}")), range(40)))

    assert {answer.status for answer in answers} == {404}
    assert sorted(path for _, path in registry.requests) == sorted(f"/{number}" for number in range(40))
    assert registry.most_at_once > 4


def test_redirect_is_not_followed(registry, transport):
    """A redirect is an answer like any other, and its body is not read past the limit either."""
    registry.fail_with(302, {"Location": f"{registry.url}/elsewhere"}, b"x" * 100_000)

    answer = transport.send(get(registry.url))

    assert (answer.status, len(answer.body)) == (302, 65536)
    assert registry.requests == [("GET", "/")]


def test_cookies_are_not_kept(registry, transport):
    """Sessions of one registry share nothing that a registry could change."""
    registry.fail_with(200, {"Set-Cookie": "sid=1; Path=/"})
    transport.send(get(registry.url))

    transport.send(get(registry.url))

    assert "cookie" not in registry.headers[1]


def test_netrc_is_not_used(registry, transport, tmp_path, environment):
    """Credentials come from the settings, not from the home directory of whoever runs us."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    environment("NETRC", str(netrc))

    transport.send(get(registry.url))
    transport.send(get(registry.url), "Basic eDp5")

    assert [headers.get("authorization") for headers in registry.headers] == [None, "Basic eDp5"]


def test_nobody_there():
    """A refused connection is temporary, and the text has the address and the system's reason."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]

        failure = failure_at(f"http://127.0.0.1:{port}")

    assert isinstance(failure, RegistryUnavailable)
    assert str(failure) == f"testing: no answer from 127.0.0.1:{port}: Connection refused"
    assert failure.status is None


def test_reason_is_not_that_of_an_error_before():
    """A request made because another failed names its own trouble, not the other's."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        try:
            fail_before()
        except ManifestMissing:
            failure = failure_at(f"http://127.0.0.1:{listener.getsockname()[1]}")

    assert str(failure).endswith("Connection refused")


def fail_before() -> None:
    raise ManifestMissing("an earlier error")


def test_unknown_host():
    """A name that does not resolve is temporary: name servers fail too."""
    failure = failure_at("http://registry.invalid")

    assert isinstance(failure, RegistryUnavailable)
    assert "no answer from registry.invalid: " in str(failure)


def test_no_answer_in_time():
    """A server that takes the connection and says nothing is given up after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        failure = failure_at(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.1)

    assert isinstance(failure, RegistryUnavailable)
    assert str(failure).endswith("nothing within 0.1 seconds")


def test_body_that_drips():
    """A body that comes byte by byte is given up when the whole takes longer than the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        threads.submit(drip, listener)
        began = time.monotonic()

        failure = failure_at(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=0.2)

    assert str(failure).endswith("nothing within 0.2 seconds")
    assert time.monotonic() - began < 1


def drip(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.02)


def test_other_protocol():
    """What is no HTTP is a server that does not work."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        threads.submit(greet, listener)
        failure = failure_at(f"http://127.0.0.1:{listener.getsockname()[1]}")

    assert isinstance(failure, RegistryUnavailable)


def greet(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b"220 mail.example.com ESMTP\r\n")
        connection.recv(1000)


def test_http_where_https_is_expected(registry):
    """A failed TLS handshake is told as such, with the setting that may help."""
    failure = failure_at(registry.url.replace("http:", "https:"))

    assert isinstance(failure, RegistryUnavailable)
    assert "check ca_file of the registry" in str(failure)


def test_ca_file_of_the_settings_wins(registry, tmp_path, environment):
    """The environment's bundle of certificates does not replace the registry's own."""
    environment("REQUESTS_CA_BUNDLE", str(tmp_path / "environment.pem"))

    failure = failure_at(registry.url.replace("http:", "https:"), ca_file=str(tmp_path / "settings.pem"))

    assert "settings.pem" in str(failure)


@pytest.mark.parametrize("url", ["http://[", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
def test_address_that_is_none(url):
    """What cannot be sent at all will not be sent later."""
    assert isinstance(failure_at(url), RegistryRefused)


def test_proxy_is_used_and_its_password_not_told(environment):
    """Proxies of the environment are used; a failing one is named as the trouble, without its credentials."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        environment("http_proxy", f"http://user:swordfish@127.0.0.1:{listener.getsockname()[1]}")

        failure = failure_at("http://registry.example.com/")

    assert "no answer from registry.example.com through the proxy: Connection refused" in str(failure)


def test_bad_proxy_does_not_show_its_password(environment):
    """A proxy's address that cannot be read is not repeated, as it holds a password."""
    environment("http_proxy", "http://user:swordfish@[proxy")

    assert "swordfish" not in str(failure_at("http://registry.example.com/"))


def test_query_is_added(registry, transport):
    """A query's values are escaped, and repeated names stay repeated."""
    transport.send(get(f"{registry.url}/x?a=1", query=[("scope", "repository:a/b:pull"), ("scope", "c d")]))

    assert registry.requests == [("GET", "/x?a=1&scope=repository%3Aa%2Fb%3Apull&scope=c+d")]
