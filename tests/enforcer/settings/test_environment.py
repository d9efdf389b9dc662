from __future__ import annotations

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("variable", "text", "key", "expected"),
    [
        ("ENFORCER_LISTEN", "0.0.0.0:9000", "listen", "0.0.0.0:9000"),
        ("ENFORCER_PUBLIC_URL", "https://tags.example", "public_url", "https://tags.example"),
        ("ENFORCER_LOG_LEVEL", "debug", "log_level", "debug"),
        ("ENFORCER_DATA_DIR", "/srv/data", "data_dir", Path("/srv/data")),
        ("ENFORCER_SWEEP_INTERVAL", "30", "sweep_interval", 30),
        ("ENFORCER_SWEEP_RATE", "2.5", "sweep_rate", 2.5),
    ],
)
def test_a_variable_goes_before_the_file(variable, text, key, expected, folder):
    """Text is taken as it is, other values are read as TOML."""
    other = folder.load('listen = "127.0.0.1:1"\nsweep_interval = 60\ndata_dir = "d"\n', {variable: text})
    assert getattr(other, key) == expected


def test_a_variable_may_hold_a_whole_table(folder):
    """Any top-level key can be given, also one that is a table."""
    settings = folder.load("", {"ENFORCER_ALERTS": '{ urls = ["json://127.0.0.1"] }'})
    assert settings.alerts.urls[0].get_secret_value() == "json://127.0.0.1"


def test_a_text_needs_no_quotes_and_is_not_parsed(folder):
    """What looks like another type stays the text that the key wants."""
    assert folder.load("", {"ENFORCER_DATA_DIR": "/1e3"}).data_dir == Path("/1e3")


@pytest.mark.parametrize("text", ["often", "", "30\nprocesses = 4", "{"])
def test_what_is_no_toml_value_is_refused_by_the_name_of_the_variable(text, folder):
    """Neither a word nor several lines of TOML are a value, and nothing else is told of that key."""
    assert folder.problems("sweep_interval = 0\n", {"ENFORCER_SWEEP_INTERVAL": text}) == (
        "sweep_interval (from ENFORCER_SWEEP_INTERVAL): is no TOML value, as it would stand behind the '=' in the file",
    )


def test_a_value_that_is_refused_names_its_variable(folder):
    """Nobody has to look for it in the file."""
    assert folder.problems("", {"ENFORCER_PROCESSES": "0", "ENFORCER_LOG_LEVEL": "loud"}) == (
        "log_level (from ENFORCER_LOG_LEVEL): should be 'debug', 'info', 'warning', 'error' or 'critical', got 'loud'",
        "processes (from ENFORCER_PROCESSES): should be greater than or equal to 1, got 0",
    )


def test_unknown_variables_are_refused(folder):
    """A slip in a name would otherwise be found out much later."""
    assert folder.problems("", {"ENFORCER_SWEEP_INTERVALL": "5", "ENFORCER_FOO": "x", "HOME": "/root"}) == (
        "ENFORCER_SWEEP_INTERVALL: unknown variable (did you mean ENFORCER_SWEEP_INTERVAL?)",
        "ENFORCER_FOO: unknown variable",
    )


def test_the_variable_of_the_file_is_known(folder):
    """ENFORCER_CONFIG is no key."""
    folder.load("", {"ENFORCER_CONFIG": "other.toml"})


def test_what_kubernetes_sets_for_services_is_let_through(folder):
    """A Service called "enforcer" or "enforcer-web" puts these into every pod of its namespace."""
    link = "tcp://10.0.0.1:8080"
    folder.load(
        "",
        {
            "ENFORCER_SERVICE_HOST": "10.0.0.1",
            "ENFORCER_SERVICE_PORT": "8080",
            "ENFORCER_SERVICE_PORT_HTTP": "8080",
            "ENFORCER_PORT": link,
            "ENFORCER_PORT_8080_TCP": link,
            "ENFORCER_PORT_8080_TCP_ADDR": "10.0.0.1",
            "ENFORCER_WEB_SERVICE_HOST": "10.0.0.1",
            "ENFORCER_WEB_PORT": link,
        },
    )


def test_a_port_that_a_person_sets_is_refused(folder):
    """It looks like a setting and would have no effect."""
    (problem,) = folder.problems("", {"ENFORCER_PORT": "9000"})
    assert problem.startswith("ENFORCER_PORT: unknown variable")


def test_the_address_of_redis_may_come_from_a_file(folder):
    """It can hold a password; the variable goes before the key of the file, whichever of the two forms that has."""
    folder.write("redis", "redis://:hidden@db/0\n")
    settings = folder.load('redis_url = "redis://old"\n', {"ENFORCER_REDIS_URL_FILE": "redis"})
    assert settings.redis_url.get_secret_value() == "redis://:hidden@db/0"
    settings = folder.load('redis_url_file = "redis"\n', {"ENFORCER_REDIS_URL": "redis://new"})
    assert settings.redis_url.get_secret_value() == "redis://new"


def test_both_forms_in_variables_are_one_too_many(folder):
    """There is no telling which was meant."""
    folder.write("redis", "redis://db")
    assert folder.problems("", {"ENFORCER_REDIS_URL": "redis://new", "ENFORCER_REDIS_URL_FILE": "redis"}) == (
        "redis_url_file (from ENFORCER_REDIS_URL_FILE): is given beside redis_url: keep one of them",
    )
