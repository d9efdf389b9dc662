from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from enforcer.errors import InvalidSettings
from enforcer.settings.keys import known_keys, model_in
from enforcer.settings.settings import RegistrySettings, Settings, load
from tests.fakes.configuration import REGISTRY, ConfigurationFolder

EVERY_SECRET = """
redis_url = "redis://:hidden-1@127.0.0.1/0"
[registries.main]
url = "http://127.0.0.1:5000"
username = "enforcer"
password = "hidden-2"
notification_token = "hidden-3"
notification_token_previous = "hidden-4"
[accounts.ops]
password = "hidden-5"
token = "hidden-6"
access_key = "AK"
secret_key = "hidden-7"
[alerts]
urls = ["slack://hidden-8"]
webhook_url = "http://127.0.0.1/hook"
webhook_secret = "hidden-9"
"""


@pytest.fixture
def folder(tmp_path: Path) -> ConfigurationFolder:
    """Where a test writes its configuration."""
    return ConfigurationFolder(tmp_path)


def tables(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and those of all tables in it."""
    inner = [found for field in model.model_fields.values() if (found := model_in(field.annotation))]
    return [model, *(table for found in inner for table in tables(found))]


def test_a_registry_is_all_that_must_be_given(folder):
    """Every other key has a safe default."""
    settings = folder.load()
    assert settings.redis_url.get_secret_value() == "embedded"
    assert settings.data_dir == folder.path / "data"
    assert (settings.listen, settings.public_url) == ("127.0.0.1:8080", "http://127.0.0.1:8080")
    assert (settings.policies_per_namespace, settings.archive_days, settings.archive_events) == (1, 30, 1_000_000)
    assert settings.embedded_memory == 1024**3
    assert (settings.sweep_interval, settings.sweep_rate, settings.late_window) == (600, 100, 600)
    assert (settings.history_limit, settings.notification_limit, settings.dead_letters) == (100, 32 * 1024**2, 1000)
    assert (settings.log_level, settings.processes) == ("info", 1)
    assert list(settings.registries) == ["main"]
    assert (settings.accounts, settings.policies) == ({}, ())


def test_without_a_registry_there_is_nothing_to_do(folder):
    """The line says what to add."""
    folder.file.write_text("")
    with pytest.raises(InvalidSettings) as raised:
        load(folder.file, {})
    assert raised.value.problems == (
        "registries: none is configured; add a table [registries.main] with url and notification_token",
    )


def test_the_file_is_found_as_documented(folder):
    """Without an argument it is ./enforcer.toml, and data is kept beside it."""
    folder.file.write_text(REGISTRY)
    with chdir(folder.path):
        assert load(environ={}).data_dir == folder.path / "data"
        assert load(environ={"ENFORCER_CONFIG": str(folder.file)}).data_dir == folder.path / "data"


def test_paths_are_relative_to_the_file_wherever_one_stands(folder):
    """A command that is run elsewhere finds the same data."""
    file = folder.path / "etc" / "enforcer.toml"
    file.parent.mkdir()
    file.write_text('data_dir = "../kept"\n' + REGISTRY)
    with chdir(folder.path):
        assert load(Path("etc/enforcer.toml"), {}).data_dir == folder.path / "etc" / ".." / "kept"


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("localhost:0", "localhost", 0),
        ("enforcer-1.example:65535", "enforcer-1.example", 65535),
        ("[::1]:8080", "::1", 8080),
        ("[::]:80", "::", 80),
    ],
)
def test_an_address_to_listen_on_has_a_host_and_a_port(listen, host, port, folder):
    """Servers want the two apart, and IPv6 without brackets."""
    settings = folder.load(f'listen = "{listen}"\n')
    assert (settings.listen_host, settings.listen_port) == (host, port)


@pytest.mark.parametrize(
    "listen",
    ["", "8080", ":8080", "127.0.0.1", "a:", "a:x", "a:-1", "a:65536", "a:\u0668", "::1:80", "[x]:80", "a b:1"],
)
def test_other_addresses_to_listen_on_are_refused(listen, folder):
    """The line names the key, whatever is wrong."""
    (problem,) = folder.problems(f'listen = "{listen}"\n')
    assert problem.startswith("listen: ")


@pytest.mark.parametrize(
    "url",
    [
        "embedded",
        "redis://127.0.0.1:6379/0",
        "rediss://:p@redis.example",
        "redis+sentinel://a:26379,b:26379/main/0",
        "unix:///run/redis.sock",
    ],
)
def test_redis_is_reached_in_five_ways(url, folder):
    """All schemes of the documentation are taken."""
    assert folder.load(f'redis_url = "{url}"\n').redis_url.get_secret_value() == url


@pytest.mark.parametrize("url", ["", "EMBEDDED", "redis://", "http://:hidden@r", "hidden"])
def test_other_addresses_of_redis_are_refused(url, folder):
    """Without repeating them: they may hold a password."""
    assert folder.problems(f'redis_url = "{url}"\n') == (
        "redis_url: should be 'embedded' or begin with redis://, rediss://, redis+sentinel://, unix://",
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("sweep_intervall = 1", "sweep_intervall: unknown key (did you mean sweep_interval?)"),
        ('sweep_interval = "600"', "sweep_interval: should be an integer, got a string"),
        ("sweep_interval = 600.0", "sweep_interval: should be an integer, got a number"),
        ("sweep_interval = 0", "sweep_interval: should be greater than or equal to 1, got 0"),
        ("sweep_rate = 0", "sweep_rate: should be greater than or equal to 0.1, got 0"),
        ("notification_limit = 10", "notification_limit: should be greater than or equal to 1024, got 10"),
        ("processes = 65", "processes: should be less than or equal to 64, got 65"),
        ("processes = true", "processes: should be an integer, got a boolean"),
        ('log_level = "INFO"', "log_level: should be 'debug', 'info', 'warning', 'error' or 'critical', got 'INFO'"),
        ('data_dir = ""', "data_dir: should be a path, as a string"),
        ('public_url = "tags.example"', "public_url: should be an address like https://host:port, with http or https"),
        ("alerts = 3", "alerts: should be a table, got an integer"),
        ("accounts = []", "accounts: should be a table, got a list"),
    ],
)
def test_a_wrong_value_is_refused_by_its_key(line, problem, folder):
    """No value is turned into another type, and every number has bounds."""
    assert folder.problems(line + "\n") == (problem,)


def test_all_problems_are_told_at_once(folder):
    """Whoever repairs a configuration starts once more, not ten times."""
    text = """
        listen = "here"
        colour = "red"
        [registries.main]
        url = "ftp://x"
        password_file = "nowhere"
        [[policies]]
        registry = "other"
        namespace = "library"
        tags = { pattern = "{" }
        """
    problems = folder.problems(text, {"ENFORCER_PROCESSES": "many", "ENFORCER_FOO": "1"})
    assert [problem.split(":")[0] for problem in problems] == [
        "processes (from ENFORCER_PROCESSES)",
        "ENFORCER_FOO",
        "colour",
        "registries.main.password_file",
        "registries.main.notification_token",
        "policies[0].registry",
        "listen",
        "registries.main.url",
        "policies[0].tags.pattern",
    ]


def test_settings_cannot_be_changed(folder):
    """They are read once; whoever has them can rely on them."""
    settings = folder.load()
    for holder, key in ((settings, "listen"), (settings.registries["main"], "url"), (settings.alerts, "urls")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(holder, key, "other")


def test_no_secret_is_ever_shown(folder):
    """Neither for people nor in what is dumped."""
    settings = folder.load(EVERY_SECRET)
    assert settings.accounts["ops"].token.get_secret_value() == "hidden-6"
    shown = [repr(settings), str(settings), repr(settings.model_dump()), settings.model_dump_json()]
    assert not [text for text in shown if "hidden" in text]


def test_no_problem_shows_a_secret(folder):
    """Not even where the secret itself is what is wrong, nor in the error that led to it."""
    wrong = EVERY_SECRET.replace('"slack', '"').replace("redis:", "http:").replace('"hidden-2"', '["hidden-2"]')
    folder.file.write_text(wrong.replace('token = "hidden-6"', 'role = 1\ntoken = "hidden-6"'))
    with pytest.raises(InvalidSettings) as raised:
        load(folder.file, {})
    assert len(raised.value.problems) == 4
    assert "hidden" not in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_settings_made_in_code_are_checked_alike():
    """Tables refuse what they do not know however they are made, and the error does not repeat it."""
    with pytest.raises(ValidationError) as raised:
        RegistrySettings(url="http://r", notification_token="n", pasword="hidden")
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("table", tables(Settings))
def test_every_key_says_what_it_is(table):
    """The documentation is checked against these descriptions."""
    for name, field in table.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


@pytest.mark.parametrize("table", tables(Settings))
def test_every_number_has_bounds(table):
    """A slip in a number is found at the start."""
    for name, field in table.model_fields.items():
        if field.annotation in (int, float):
            kinds = {type(bound).__name__ for bound in field.metadata}
            assert kinds >= {"Ge", "Le"}, name


def test_every_secret_has_a_file_beside_it():
    """The rule is general; what may hold a token or password is a secret."""
    files = {key for table in tables(Settings) for key in known_keys(table) if key.endswith("_file")}
    assert files == {
        "redis_url_file",
        "password_file",
        "notification_token_file",
        "notification_token_previous_file",
        "ca_file",
        "token_file",
        "secret_key_file",
        "urls_file",
        "webhook_secret_file",
    }
