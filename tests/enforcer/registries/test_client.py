from __future__ import annotations

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from enforcer.errors import (
    BlobsMissing,
    ManifestMissing,
    RegistryDenied,
    RegistryError,
    RegistryRefused,
    RegistryUnavailable,
    TagLocked,
)
from enforcer.manifests import ACCEPT, DOCKER_MANIFEST, MANIFEST_LIMIT, OCI_INDEX, OCI_MANIFEST, Manifest
from enforcer.names import Digest, RegistryName, Repository, Tag
from enforcer.registries.client import CHECK_TAG, RegistryClient
from enforcer.registries.endpoint import RegistryEndpoint
from tests.fakes.images import blobs_of, image, index
from tests.fakes.registry import FakeRegistry, errors

APP = Repository("team/app")
TAG = Tag("1.0")
OPS = ("ops", "swordfish")
GONE = Digest("sha256:" + "0" * 64)


@pytest.fixture
def registry():
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def connect():
    clients: list[RegistryClient] = []

    def connected(registry: FakeRegistry, username: str = "", password: str = "", **settings) -> RegistryClient:
        account = {"username": username, "password": password, "timeout": 5.0, **settings}
        clients.append(RegistryClient(RegistryEndpoint(name=RegistryName("main"), url=registry.url, **account)))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


@pytest.fixture
def client(registry, connect):
    return connect(registry)


def manifest(content: bytes, media_type: str = OCI_MANIFEST) -> Manifest:
    return Manifest(Digest.of(content), media_type, content)


OPERATIONS = {
    "ping": lambda client: client.ping(),
    "head": lambda client: client.head(APP, TAG),
    "get": lambda client: client.get(APP, TAG),
    "put": lambda client: client.put(APP, TAG, manifest(image("first"))),
    "can_push": lambda client: client.can_push(APP),
    "check_blob": lambda client: client.check_blob(APP, GONE),
    "repositories": lambda client: list(client.repositories()),
    "tags": lambda client: list(client.tags(APP)),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)


@every_operation
@pytest.mark.parametrize("status", [405, 429, 500, 503])
def test_registry_that_is_not_well(registry, client, operation, status):
    """Nothing is concluded from such an answer, and nothing tried twice: the caller decides when to come back."""
    registry.fail_with(status, {"Retry-After": "7"}, times=2)

    with pytest.raises(RegistryUnavailable, match=f"main.*: {status}") as caught:
        operation(client)

    assert caught.value.retry_after == 7
    assert len(registry.requests) == 1


@every_operation
def test_registry_that_is_away(registry, client, operation):
    """No connection is an error of its own, never "there is no such tag"."""
    registry.stop()

    with pytest.raises(RegistryUnavailable, match="no answer from 127"):
        operation(client)


@every_operation
@pytest.mark.parametrize("status", [301, 308])
def test_redirects_are_not_followed(registry, client, operation, status):
    """A registry that has moved is told about, not followed with the credentials."""
    registry.fail_with(status, {"Location": "https://elsewhere.example.com/v2/"})

    with pytest.raises(RegistryRefused, match=r"to https://elsewhere\.example\.com, and redirects are not followed"):
        operation(client)

    assert len(registry.requests) == 1


@every_operation
def test_forbidden(registry, client, operation):
    """A 403 says that the credentials do not serve."""
    registry.fail_with(403)

    with pytest.raises(RegistryDenied, match="main"):
        operation(client)


@every_operation
def test_wrong_password(connect, operation):
    """Wrong credentials are tried once, and the error does not show them."""
    with FakeRegistry(basic=OPS) as registry, pytest.raises(RegistryDenied) as caught:
        operation(connect(registry, "ops", "wrong-password"))

    assert len(registry.requests) == 2
    assert "wrong-password" not in str(caught.value)


@every_operation
def test_no_credentials(connect, operation):
    """A registry that wants to know who asks gets no second request from nobody."""
    with FakeRegistry(basic=OPS) as registry, pytest.raises(RegistryDenied):
        operation(connect(registry))

    assert len(registry.requests) == 1


@every_operation
def test_basic_authentication(connect, operation):
    """The registry asks once; from then on an operation is one request."""
    with FakeRegistry(basic=OPS) as registry:
        registry.put_manifest(APP, TAG, image("first"))
        client = connect(registry, *OPS)
        operation(client)
        asked = len(registry.requests)
        operation(client)

    assert (asked, len(registry.requests)) == (2, 3)


@every_operation
def test_bearer_authentication(connect, operation):
    """Challenge, token, request; from then on an operation is one request."""
    with FakeRegistry(bearer=OPS) as registry:
        registry.put_manifest(APP, TAG, image("first"))
        client = connect(registry, *OPS)
        operation(client)
        asked = [path.partition("?")[0] for _, path in registry.requests]
        operation(client)

    assert len(asked) == 3
    assert asked[1] == "/token"
    assert len(registry.requests) == 4


@every_operation
def test_token_that_does_not_hold_any_more(connect, operation):
    """A token that the registry has forgotten is replaced, once."""
    with FakeRegistry(bearer=OPS) as registry:
        registry.put_manifest(APP, TAG, image("first"))
        client = connect(registry, *OPS)
        operation(client)
        registry.revoke_tokens()

        operation(client)

        assert len(registry.requests) == 3 + 3


def test_new_token_that_is_refused(connect):
    """A fresh token that does not serve is the end: the account has no such right."""
    with FakeRegistry(bearer=OPS, granted=frozenset({"pull"})) as registry:
        client = connect(registry, *OPS)
        with pytest.raises(RegistryDenied):
            client.put(APP, TAG, manifest(image("first")))

        assert [method for method, _ in registry.requests] == ["PUT", "GET", "PUT"]


def test_stranger_as_token_service(connect):
    """No password goes where the registry's answer says, unless it is the registry's own host."""
    with FakeRegistry() as stranger, FakeRegistry(bearer=OPS) as registry:
        registry.realm = stranger.url.replace("127.0.0.1", "localhost") + "/token"
        with pytest.raises(RegistryDenied, match=r"localhost:\d+, .*set token_url"):
            connect(registry, *OPS).head(APP, TAG)

        assert stranger.requests == []


def test_configured_token_service(connect):
    """The configured token service gets the password although it is on another host."""
    with FakeRegistry(bearer=OPS) as registry:
        registry.put_manifest(APP, TAG, image("first"))
        registry.realm = registry.url.replace("127.0.0.1", "localhost") + "/token"
        client = connect(registry, *OPS, token_url=registry.realm)

        assert client.head(APP, TAG) == Digest.of(image("first"))


def test_ping(registry, client):
    """A registry that answers is there."""
    client.ping()

    assert registry.requests == [("GET", "/v2/")]


@pytest.mark.parametrize(("how", "asks"), [({}, False), ({"basic": OPS}, True), ({"bearer": OPS}, True)])
def test_asks_for_credentials(connect, how, asks):
    """A registry asks who comes, or lets anybody in; it is asked without the credentials that there are."""
    with FakeRegistry(**how) as registry:
        client = connect(registry, *OPS)
        client.ping()
        assert client.asks_for_credentials() is asks


@pytest.mark.parametrize("status", [403, 404, 429, 503])
def test_no_answer_about_credentials(registry, client, status):
    """Any other answer does not tell."""
    registry.fail_with(status)

    with pytest.raises(RegistryError):
        client.asks_for_credentials()


def test_ping_of_a_web_server(registry, client):
    """A server without the API is no registry, and not a missing manifest."""
    registry.fail_with(404, {"Content-Type": "application/json"}, errors(404, "NOT_FOUND").body)

    with pytest.raises(RegistryRefused, match="check its url"):
        client.ping()


def test_head(registry, client):
    """The digest of a tag is what the registry says now."""
    first = registry.put_manifest(APP, TAG, image("first"))
    second = registry.put_manifest(APP, TAG, image("second"))

    assert client.head(APP, TAG) == second
    assert client.head(APP, first) == first
    assert registry.headers[0]["accept"] == ACCEPT


def test_head_of_what_is_not_there(registry, client):
    """No tag and no repository are no digest."""
    registry.put_manifest(APP, TAG, image("first"))

    assert client.head(APP, Tag("2.0")) is None
    assert client.head(APP, GONE) is None
    assert client.head(Repository("team/other"), TAG) is None


def test_head_of_a_page_that_is_not_there(registry, client):
    """A web server's 404 does not mean that the tag is gone."""
    registry.fail_with(404, {"Content-Type": "text/html"})

    with pytest.raises(RegistryRefused):
        client.head(APP, TAG)


@pytest.mark.parametrize("header", [{}, {"Docker-Content-Digest": "junk"}])
def test_head_without_a_digest(registry, client, header):
    """A registry that does not say the digest is asked for the bytes."""
    digest = registry.put_manifest(APP, TAG, image("first"))
    registry.fail_with(200, header)

    assert client.head(APP, TAG) == digest
    assert [method for method, _ in registry.requests] == ["HEAD", "GET"]


def test_head_without_a_digest_of_a_tag_that_goes(registry, client):
    """A tag that is deleted between the two requests is gone."""
    registry.fail_with(200)

    assert client.head(APP, TAG) is None


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_get(registry, client, media_type):
    """A manifest comes by tag and by digest, byte for byte and with its type."""
    content = image("first")
    digest = registry.put_manifest(APP, TAG, content, media_type)

    assert client.get(APP, TAG) == Manifest(digest, media_type, content)
    assert client.get(APP, digest) == Manifest(digest, media_type, content)
    assert {headers["accept"] for headers in registry.headers} == {ACCEPT}


def test_get_of_what_is_not_there(client):
    """What the registry does not have is `ManifestMissing`, which names it."""
    with pytest.raises(ManifestMissing, match=r"reading team/app:1\.0 in main: 404 Not Found"):
        client.get(APP, TAG)
    with pytest.raises(ManifestMissing, match=f"reading team/app@{GONE} in main"):
        client.get(APP, GONE)


def test_get_other_bytes(registry, client):
    """Bytes that have not the digest that was asked for are refused."""
    registry.fail_with(200, {"Content-Type": OCI_MANIFEST}, image("other"))

    with pytest.raises(RegistryRefused, match="reading team/app@"):
        client.get(APP, GONE)


def test_get_other_bytes_than_the_tag_has(registry, client):
    """Bytes that have not the digest that the registry itself says are no manifest of the tag."""
    registry.fail_with(200, {"Content-Type": OCI_MANIFEST, "Docker-Content-Digest": GONE}, image("other"))

    with pytest.raises(RegistryRefused, match=r"reading team/app:1\.0"):
        client.get(APP, TAG)


def test_get_by_tag_without_a_digest(registry, client):
    """Where the registry does not say the digest, the bytes do."""
    registry.fail_with(200, {"Content-Type": OCI_MANIFEST}, image("first"))

    assert client.get(APP, TAG).digest == Digest.of(image("first"))


@pytest.mark.parametrize(("length", "taken"), [(MANIFEST_LIMIT, True), (MANIFEST_LIMIT + 1, False)])
def test_get_is_bounded(registry, client, length, taken):
    """A manifest may be 4 MiB long and no longer."""
    content = b" " * length
    registry.fail_with(200, {"Content-Type": OCI_MANIFEST}, content)

    if taken:
        assert client.get(APP, TAG).content == content
    else:
        with pytest.raises(RegistryRefused, match="longer than the 4194304 bytes"):
            client.get(APP, TAG)


def test_get_of_part_of_it(registry, client):
    """Only a plain 200 is the manifest."""
    registry.fail_with(206, {"Content-Type": OCI_MANIFEST}, image("first"))

    with pytest.raises(RegistryRefused, match="206"):
        client.get(APP, TAG)


def test_put(registry, client):
    """A tag becomes what was put there, byte for byte, with its type."""
    registry.put_manifest(APP, TAG, image("overwritten"))
    original = manifest(image("original"))

    client.put(APP, TAG, original)

    assert registry.tag_digest(APP, TAG) == original.digest
    assert registry.manifests[APP][original.digest] == (OCI_MANIFEST, original.content)


def test_put_by_digest(registry, client):
    """Children of an index are put by digest first, then the index by tag."""
    child = manifest(image("child"))
    whole = manifest(index(child.content), OCI_INDEX)
    with pytest.raises(BlobsMissing) as caught:
        client.put(APP, TAG, whole)
    client.put(APP, child.digest, child)
    client.put(APP, TAG, whole)

    assert caught.value.digests == (child.digest,)
    assert registry.tag_digest(APP, TAG) == whole.digest


def test_put_without_its_layers(registry, client):
    """Layers that are gone are named."""
    config, layer = (Digest.of(each) for each in blobs_of("first"))
    registry.blobs = {config}

    with pytest.raises(BlobsMissing, match=r"putting team/app:1\.0 in main: 400 Bad Request") as caught:
        client.put(APP, TAG, manifest(image("first")))

    assert caught.value.digests == (layer,)


def test_put_in_a_registry_that_is_read_only(registry, client):
    """Read-only for a garbage collection is temporary."""
    registry.read_only = True

    with pytest.raises(RegistryUnavailable, match="read-only"):
        client.put(APP, TAG, manifest(image("first")))


def test_put_where_the_registry_has_a_rule_of_its_own(registry, client):
    """Harbor's own immutability makes a restore impossible, and the text says what to change."""
    registry.fail_with(412, body=errors(412, "PRECONDITION").body)

    with pytest.raises(TagLocked, match="immutability rule"):
        client.put(APP, TAG, manifest(image("first")))


def test_can_push(registry, client):
    """Where pushing is allowed, nothing is said and nothing left behind."""
    client.can_push(APP)

    assert registry.requests == [("PUT", f"/v2/team/app/manifests/{CHECK_TAG}")]
    assert registry.manifests == {}


@pytest.mark.parametrize("status", [201, 400, 404, 409, 412, 422])
def test_can_push_when_what_is_pushed_is_refused(registry, client, status):
    """Whatever a registry thinks of the manifest, it thought so after it had asked who we are."""
    registry.fail_with(status)

    client.can_push(APP)


def test_can_push_without_the_right(connect):
    """An account that may pull only is told what it needs."""
    with FakeRegistry(bearer=OPS, granted=frozenset({"pull"})) as registry:
        registry.put_manifest(APP, TAG, image("first"))
        client = connect(registry, *OPS)

        assert client.head(APP, TAG) is not None
        with pytest.raises(RegistryDenied, match="account ops needs the right to pull and push there"):
            client.can_push(APP)


def test_check_blob(registry, client):
    """A blob is there or not."""
    registry.blobs = {GONE}

    assert client.check_blob(APP, GONE) is True
    assert client.check_blob(APP, Digest.of(b"other")) is False


@pytest.mark.parametrize("status", [302, 303, 307])
def test_check_blob_in_an_object_store(registry, client, status):
    """A registry that says where the blob is has it."""
    registry.fail_with(status, {"Location": "https://bucket.example.com/x"})

    assert client.check_blob(APP, GONE) is True


@pytest.mark.parametrize("page_size", [1, 2, 1000])
def test_lists_in_pages(registry, client, page_size):
    """All repositories and all tags come, however many fit a page."""
    registry.page_size = page_size
    for name, tag in itertools.product(["a", "b/c", "team/app"], ["1.0", "2.0", "latest"]):
        registry.put_manifest(name, tag, image(name))

    assert list(client.repositories()) == ["a", "b/c", "team/app"]
    assert list(client.tags(APP)) == ["1.0", "2.0", "latest"]
    assert all(isinstance(name, Repository) for name in client.repositories())
    assert all(isinstance(tag, Tag) for tag in client.tags(APP))


def test_no_tags(registry, client):
    """A repository without tags, which Distribution lists as null, and one that does not exist have none."""
    registry.put_manifest(APP, None, image("untagged"))

    assert list(client.tags(APP)) == []
    assert list(client.tags(Repository("team/other"))) == []


def test_names_that_are_none(registry, client):
    """Names that are not valid are left out, the others come."""
    registry.fail_with(200, body=json.dumps({"repositories": ["UPPER", "../x", "team/app", 7]}).encode())
    assert list(client.repositories()) == ["team/app"]

    registry.fail_with(200, body=json.dumps({"tags": ["-x", "1.0", "a b", None]}).encode())
    assert list(client.tags(APP)) == ["1.0"]


def test_catalog_that_is_not_there(registry, client):
    """A registry without a catalog is no empty one."""
    registry.fail_with(404, body=errors(404, "NAME_UNKNOWN").body)

    with pytest.raises(ManifestMissing):
        list(client.repositories())


def test_registry_that_allows_fewer_names_a_page(registry, client):
    """Where the registry's own limit is lower, its own size of pages is taken."""
    registry.put_manifest(APP, TAG, image("first"))
    registry.fail_with(400, body=errors(400, "PAGINATION_NUMBER_INVALID").body)

    assert list(client.repositories()) == [APP]
    assert registry.requests[1] == ("GET", "/v2/_catalog")


def test_registry_that_allows_no_number_at_all(registry, client):
    """The same refusal without a number asked for is an error, not a loop."""
    registry.fail_with(400, body=errors(400, "PAGINATION_NUMBER_INVALID").body, times=3)

    with pytest.raises(RegistryRefused):
        list(client.repositories())

    assert len(registry.requests) == 2


def test_registry_that_ignores_where_to_go_on(registry, client):
    """The same page again and again is one page."""
    page = json.dumps({"tags": ["1.0", "2.0"]}).encode()
    registry.fail_with(200, {"Link": '</v2/team/app/tags/list?last=2.0&n=2>; rel="next"'}, page, times=10)

    assert list(client.tags(APP)) == ["1.0", "2.0"]


def test_many_threads(connect):
    """Threads share the client, its connections and its token."""
    with FakeRegistry(bearer=OPS, latency=0.01) as registry:
        digest = registry.put_manifest(APP, TAG, image("first"))
        client = connect(registry, *OPS)
        with ThreadPoolExecutor(16) as threads:
            digests = set(threads.map(lambda _: client.head(APP, TAG), range(64)))

        assert digests == {digest}
        assert sum(path.startswith("/token") for _, path in registry.requests) == 1


def test_closed_at_the_end(registry):
    """As a context manager, the client closes its connections."""
    with RegistryClient(RegistryEndpoint(name=RegistryName("main"), url=registry.url)) as client:
        client.ping()
        assert registry.open_connections == 1

    deadline = time.monotonic() + 2
    while registry.open_connections and time.monotonic() < deadline:
        time.sleep(0.005)
    assert registry.open_connections == 0


def test_errors_have_the_registry_and_no_password(connect):
    """Every text says which registry it is about, and none holds the password."""
    with FakeRegistry(basic=OPS) as registry:
        client = connect(registry, *OPS)
        texts = []
        for operation in OPERATIONS.values():
            registry.fail_with(400, times=1)
            try:
                operation(client)
            except RegistryError as error:
                texts.append(str(error))

    assert len(texts) == len(OPERATIONS) - 1  # can_push takes a 400 as an allowance
    assert all("main" in text and "swordfish" not in text for text in texts)
