from __future__ import annotations

import pytest

from enforcer.cli.check.registry import check_registry, is_loopback, probe_of
from enforcer.cli.check.result import Level
from enforcer.names import RegistryName
from enforcer.settings.settings import RegistrySettings
from tests.fakes.registry import FakeRegistry

NAME = RegistryName("main")
TOKEN = "a-token-that-is-long-enough"
OPS = ("enforcer", "swordfish")
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def registry():
    with FakeRegistry() as registry:
        yield registry


def checked(url: str, *namespaces: str, public_url: str = LOCAL, **settings: object):
    given = {"url": url, "notification_token": TOKEN, "timeout": 2.0} | settings
    return list(check_registry(NAME, RegistrySettings.model_validate(given), namespaces, public_url))


def login(username: str, password: str):
    return {"username": username, "password": password}


def levels(findings):
    return [finding.level for finding in findings]


def test_registry_that_answers(registry):
    """One line says whom it answers and where it takes pushes."""
    (finding,) = checked(registry.url, "library", "team")
    assert finding.level is Level.OK
    assert finding.subject == "registry main"
    assert finding.text == f"{registry.url} answers anybody and takes pushes to library, team"


def test_a_push_is_tried_in_each_namespace(registry):
    """The right is asked for where tags are restored, and nothing is left there."""
    checked(registry.url, "library", "_")
    tried = [target for method, target in registry.requests if method == "PUT"]
    assert tried == [
        "/v2/library/tag-enforcer-check/manifests/tag-enforcer-check",
        "/v2/tag-enforcer-check/manifests/tag-enforcer-check",
    ]
    assert registry.manifests == {}


def test_registry_in_which_nothing_is_restored(registry):
    """Where policies only observe, no push is tried: an account that may only read will do."""
    (finding,) = checked(registry.url)
    assert finding.text == f"{registry.url} answers anybody"
    assert "PUT" not in [method for method, _ in registry.requests]


def test_registry_that_is_away(registry):
    """A registry that does not answer is named as unreachable, and no right is asked for."""
    registry.stop()
    (finding,) = checked(registry.url, "library")
    assert finding.level is Level.FAILED
    assert finding.text.startswith("unreachable: ")
    assert "Connection refused" in finding.text


@pytest.mark.parametrize("kind", ["distribution", "harbor"])
@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_wrong_password(registry, scheme, kind):
    """Whether the registry or its token service refuses it, the password is what is wrong; it is never shown."""
    setattr(registry, scheme, OPS)
    (finding,) = checked(registry.url, "library", kind=kind, **login("enforcer", "catfish-and-chips"))
    assert finding.level is Level.FAILED
    assert finding.text.startswith("wrong username or password: ")
    assert "catfish" not in finding.text


@pytest.mark.parametrize("kind", ["distribution", "harbor"])
def test_right_password(registry, kind):
    """With a token service all is asked for as a restore will."""
    registry.bearer = OPS
    (finding,) = checked(registry.url, "library", kind=kind, **login(*OPS))
    assert finding.text == f"{registry.url} answers user enforcer and takes pushes to library"


def test_missing_push_right(registry):
    """An account that may only read cannot restore, and each namespace is named."""
    registry.bearer = OPS
    registry.granted = frozenset({"pull"})
    findings = checked(registry.url, "library", "team", **login(*OPS))
    assert levels(findings) == [Level.FAILED, Level.FAILED]
    assert [finding.text.partition(":")[0] for finding in findings] == [
        "no push right in library",
        "no push right in team",
    ]


def test_registry_that_is_read_only(registry):
    """A registry in a garbage collection answers, but cannot be restored to now."""
    registry.read_only = True
    (finding,) = checked(registry.url, "library")
    assert finding.level is Level.FAILED
    assert finding.text.startswith("not usable: ")
    assert "read-only" in finding.text


def test_no_registry(registry):
    """What answers but is no registry is no more use than none."""
    registry.fail_with(404, {"Content-Type": "text/html"}, b"<html>")
    (finding,) = checked(registry.url, "library")
    assert finding.level is Level.FAILED
    assert finding.text.startswith("not usable: ")


@pytest.mark.parametrize("key", ["notification_token", "notification_token_previous"])
def test_short_token(registry, key):
    """A token that can be guessed is pointed out, in both places, and not shown."""
    ok, finding = checked(registry.url, **{key: "fifteen-letters"})
    assert ok.level is Level.OK
    assert finding.level is Level.WARNING
    assert finding.text.startswith(f"{key} has only 15 characters")
    assert "fifteen" not in finding.text
    assert levels(checked(registry.url, **{key: "sixteen-letters!"})) == [Level.OK]


def test_password_in_plain_text(registry):
    """Whoever listens on the way to another host over http reads the password; to this one there is no way."""
    registry.bearer = OPS
    assert levels(checked(registry.url, **login(*OPS))) == [Level.OK]
    token_url = "http://tokens.invalid/token"
    _, finding = checked(registry.url, **login(*OPS), token_url=token_url)
    assert finding.level is Level.WARNING
    assert finding.text == f"the password goes to {token_url} in plain text: use https"
    assert levels(checked(registry.url, **login(*OPS), token_url="https://tokens.invalid/token")) == [Level.OK]


def test_no_password_in_plain_text(registry):
    """Without a password there is nothing to hide."""
    assert levels(checked(registry.url, token_url="http://tokens.invalid/token")) == [Level.OK]


def test_public_url_of_this_machine_only(registry, monkeypatch):
    """A registry elsewhere cannot reach an address that means this machine."""
    monkeypatch.setenv("no_proxy", "registry.invalid")
    findings = checked("http://registry.invalid:5000")
    assert levels(findings) == [Level.FAILED, Level.WARNING]
    assert findings[1].text.startswith(f"it cannot reach public_url {LOCAL} from another host")
    assert levels(checked("http://registry.invalid:5000", public_url="http://10.0.0.1:8080")) == [Level.FAILED]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("http://localhost:5000", True),
        ("http://registry.localhost", True),
        ("http://127.8.9.1:5000/path", True),
        ("http://[::1]:5000", True),
        ("http://10.0.0.1", False),
        ("https://registry.example", False),
        ("http://localhost.example", False),
        ("http://127.0.0.1.example", False),
    ],
)
def test_loopback(address, expected):
    """Only names and addresses that can mean no other machine count."""
    assert is_loopback(address) is expected


def test_probe():
    """The repository is one of the namespace; that of `_` has no slash."""
    assert probe_of("library") == "library/tag-enforcer-check"
    assert probe_of("_") == "tag-enforcer-check"
