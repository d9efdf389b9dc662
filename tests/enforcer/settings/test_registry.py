from __future__ import annotations

import pytest

from tests.fakes.configuration import REGISTRY


def test_a_registry_needs_only_its_address_and_a_token(folder):
    """Everything else has a default."""
    registry = folder.load().registries["main"]
    assert registry.url == "http://127.0.0.1:5000"
    assert registry.notification_token.get_secret_value() == "notify-main"
    assert registry.kind == "distribution"
    assert (registry.username, registry.password, registry.token_url, registry.ca_file) == (None, None, None, None)
    assert registry.timeout == 10
    assert registry.namespaces == ()


def test_every_key_of_a_registry_is_read(folder):
    """What the configuration says is what its client will get."""
    folder.write("ca.pem", "-----BEGIN CERTIFICATE-----\n")
    registry = folder.load(
        """
        [registries.harbor-1]
        url = "https://[::1]:8443/prefix/"
        kind = "harbor"
        username = "robot$enforcer"
        password = "p"
        notification_token = "new"
        notification_token_previous = "old"
        token_url = "https://harbor.example/service/token?service=harbor"
        ca_file = "ca.pem"
        timeout = 2.5
        namespaces = ["library", "_"]
        """
    ).registries["harbor-1"]
    assert registry.url == "https://[::1]:8443/prefix"
    assert registry.kind == "harbor"
    assert registry.username == "robot$enforcer"
    assert registry.notification_token_previous.get_secret_value() == "old"
    assert registry.token_url == "https://harbor.example/service/token?service=harbor"
    assert registry.ca_file == folder.path / "ca.pem"
    assert registry.timeout == 2.5
    assert registry.namespaces == ("library", "_")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "should be an address like https://host:port, with http or https"),
        ("127.0.0.1:5000", "should be an address like https://host:port, with http or https"),
        ("ftp://r.example", "should be an address like https://host:port, with http or https"),
        ("http://", "should be an address like https://host:port, with http or https"),
        ("http://r.example:0", "should be an address like https://host:port, with http or https"),
        ("http://r.example:65536", "should be an address like https://host:port, with http or https"),
        ("http://[::1", "should be an address like https://host:port, with http or https"),
        ("http://user:hidden@r.example", "should hold no credentials: they would be shown with it"),
        ("http://@r.example", "should hold no credentials: they would be shown with it"),
        ("http://r.example?a=hidden", "should have no query ('?...')"),
        ("http://r.example#hidden", "should have no fragment ('#...')"),
        ("http://r.example/a b", "should have no blanks and only ASCII characters"),
        ("http://r\u00e9.example", "should have no blanks and only ASCII characters"),
        ("http://r.example\\n", "should have no blanks and only ASCII characters"),
    ],
)
def test_an_address_is_http_and_holds_nothing_else(url, problem, folder):
    """Credentials, query and fragment would go into log lines or be lost; the text itself is never repeated."""
    text = REGISTRY.replace("http://127.0.0.1:5000", url)
    assert folder.problems(text) == (f"registries.main.url: {problem}",)


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(folder):
    """A secret under a misspelt key would silently not be used."""
    assert folder.problems(REGISTRY + 'pasword = "hidden"\ncolour = "red"\n') == (
        "registries.main.pasword: unknown key (did you mean password?)",
        "registries.main.colour: unknown key",
    )


def test_a_registry_without_a_token_is_refused(folder):
    """Without it anybody could send notifications."""
    assert folder.problems('[registries.main]\nurl = "http://127.0.0.1:5000"\n') == (
        "registries.main.notification_token: is missing; give it, or notification_token_file",
    )


def test_a_registry_without_an_address_is_refused(folder):
    """There is no default: the address comes from the settings and from nowhere else."""
    assert folder.problems('[registries.main]\nnotification_token = "n"\n') == ("registries.main.url: is missing",)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('password = "p"', "password: needs a username beside it"),
        ('username = "u"', "password: is missing: the username has none"),
        ('username = "u:v"\npassword = "p"', "username: should have no ':': HTTP Basic ends the user name there"),
        ('username = ""\npassword = "p"', "username: is empty"),
        ('notification_token_previous = ""', "notification_token_previous: is empty"),
        ("password = 12345", "password: should be a string, got an integer"),
        ('kind = "docker"', "kind: should be 'distribution' or 'harbor', got 'docker'"),
        ("timeout = 0", "timeout: should be greater than or equal to 0.1, got 0"),
        ("timeout = 21", "timeout: should be less than or equal to 20, got 21"),
        ("timeout = nan", "timeout: should be a finite number, got nan"),
        ('timeout = "10"', "timeout: should be a number, got a string"),
        ('namespaces = "library"', "namespaces: should be a list, got a string"),
        ("namespaces = [1]", "namespaces[0]: should be a string, got an integer"),
        ('ca_file = ""', "ca_file: should be a path, as a string"),
        ("ca_file = 1", "ca_file: should be a path, as a string"),
        ('ca_file = "\\u0000"', "ca_file: should be a path: it holds a NUL character"),
        ('token_url = "http://u:hidden@t"', "token_url: should hold no credentials: they would be shown with it"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(lines, problem, folder):
    """The line says what was expected, and what was given where that is no secret."""
    assert folder.problems(f"{REGISTRY}{lines}\n") == (f"registries.main.{problem}",)


def test_a_namespace_that_no_repository_can_have_is_refused(folder):
    """Its grammar is that of names."""
    (problem,) = folder.problems(REGISTRY + 'namespaces = ["library", "Library"]\n')
    assert problem.startswith("registries.main.namespaces[1]: 'Library' is no namespace")


def test_a_missing_ca_file_is_refused_at_the_start(folder):
    """Not at the first restore."""
    assert folder.problems(REGISTRY + 'ca_file = "ca.pem"\n') == (
        f"registries.main.ca_file: {folder.path / 'ca.pem'} is no file",
    )


def test_the_name_of_a_registry_fits_into_addresses(folder):
    """It becomes part of the path of its notifications."""
    (problem,) = folder.problems(REGISTRY.replace("main]", '"my registry"]'))
    assert problem.startswith("registries.\"my registry\": 'my registry' is no registry name")


def test_a_registry_is_a_table(folder):
    """A bare address is not enough."""
    assert folder.problems('[registries]\nmain = "http://127.0.0.1:5000"\n') == (
        "registries.main: should be a table, got a string",
    )
