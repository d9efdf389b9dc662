from __future__ import annotations

import pytest

from tests.fakes.configuration import REGISTRY

PASSWORD = """
[registries.main]
url = "http://127.0.0.1:5000"
notification_token = "n"
username = "enforcer"
"""


def test_a_secret_is_read_from_a_file_beside_the_configuration(folder):
    """A relative path starts at the configuration, and white space around the secret is none of it."""
    folder.write("password", " s3cret \r\n")
    settings = folder.load(PASSWORD + 'password_file = "password"\n')
    assert settings.registries["main"].password.get_secret_value() == "s3cret"


def test_an_absolute_path_is_taken_as_it_is(folder, tmp_path_factory):
    """Secrets of containers are mounted elsewhere."""
    file = tmp_path_factory.mktemp("secrets") / "password"
    file.write_text("s3cret\n")
    settings = folder.load(PASSWORD + f'password_file = "{file}"\n')
    assert settings.registries["main"].password.get_secret_value() == "s3cret"


def test_every_kind_of_secret_can_stand_in_a_file(folder):
    """No secret has to be in the configuration."""
    for name in ("redis", "notify", "previous", "password", "token", "key", "hook"):
        folder.write(name, "redis://db" if name == "redis" else f"content of {name}")
    settings = folder.load(
        """
        redis_url_file = "redis"
        [registries.main]
        url = "http://127.0.0.1:5000"
        notification_token_file = "notify"
        notification_token_previous_file = "previous"
        [accounts.ops]
        password_file = "password"
        token_file = "token"
        access_key = "AK"
        secret_key_file = "key"
        [alerts]
        webhook_url = "https://hooks.example/x"
        webhook_secret_file = "hook"
        """
    )
    registry, account = settings.registries["main"], settings.accounts["ops"]
    secrets = [
        settings.redis_url,
        registry.notification_token,
        registry.notification_token_previous,
        account.password,
        account.token,
        account.secret_key,
        settings.alerts.webhook_secret,
    ]
    assert [secret.get_secret_value() for secret in secrets] == [
        "redis://db",
        "content of notify",
        "content of previous",
        "content of password",
        "content of token",
        "content of key",
        "content of hook",
    ]


def test_a_file_of_alert_urls_has_one_a_line(folder):
    """Empty lines between them do no harm."""
    folder.write("urls", "slack://a/b/c\n\n mailto://d@e \n")
    settings = folder.load('[alerts]\nurls_file = "urls"\n')
    assert [url.get_secret_value() for url in settings.alerts.urls] == ["slack://a/b/c", "mailto://d@e"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "password_file: cannot read {path}: No such file or directory"),
        (b"", "password_file: {path} is empty"),
        (b" \n\n", "password_file: {path} is empty"),
        (b"one\ntwo\n", "password_file: holds 2 lines, expected one"),
        (b"\xff\xfe", "password_file: cannot read {path}: not UTF-8 text"),
    ],
)
def test_a_file_without_a_secret_is_told_once(content, problem, folder):
    """Key and path are named, nothing of the content, and no complaint that the secret is missing follows."""
    path = folder.path / "password"
    if content is not None:
        path.write_bytes(content)
    expected = "registries.main." + problem.format(path=path)
    assert folder.problems(PASSWORD + 'password_file = "password"\n') == (expected,)


def test_a_directory_is_no_secret(folder):
    """A mount that went wrong is a directory; the key says which."""
    assert folder.problems(PASSWORD + 'password_file = "."\n') == (
        f"registries.main.password_file: cannot read {folder.path}: Is a directory",
    )


@pytest.mark.parametrize("value", ["3", '""', "[]", '"\\u0000"'])
def test_the_name_of_a_file_is_a_text(value, folder):
    """A number or list there is refused, not opened: 0 would be standard input."""
    assert folder.problems(PASSWORD + f"password_file = {value}\n") == (
        "registries.main.password_file: should be the path of a file",
    )


def test_an_unreadable_address_of_redis_is_told_once(folder):
    """What stands in for it is not judged."""
    (problem,) = folder.problems('redis_url_file = "nowhere"\n')
    assert problem.startswith("redis_url_file: cannot read ")


def test_a_bad_address_of_redis_names_its_file(folder):
    """The value cannot be shown, so the place must be."""
    path = folder.write("redis", "http://:hidden@db")
    (problem,) = folder.problems('redis_url_file = "redis"\n')
    assert problem.startswith(f"redis_url (from {path}): should be 'embedded' or begin with redis://")
    assert "hidden" not in problem


def test_a_secret_and_its_file_are_one_too_many(folder):
    """There is no telling which was meant."""
    folder.write("password", "x")
    assert folder.problems(PASSWORD + 'password = "y"\npassword_file = "password"\n') == (
        "registries.main.password_file: is given beside password: keep one of them",
    )


def test_only_secrets_have_a_file(folder):
    """Any other `_file` is an unknown key."""
    assert folder.problems(REGISTRY + 'timeout_file = "x"\n') == (
        "registries.main.timeout_file: unknown key (did you mean timeout?)",
    )
