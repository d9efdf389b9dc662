from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from enforcer.cli.registry_config import registry_config
from enforcer.registries.notification_config import notification_block, notification_fields
from tests.fakes.configuration import ConfigurationFolder
from tests.fakes.harbor_server import FakeHarbor

TWO = """
public_url = "https://enforcer.example/tags"
[registries.main]
url = "http://127.0.0.1:5000"
notification_token = "first-token"
[registries.harbor]
url = "https://harbor.example"
kind = "harbor"
notification_token = "second-token"
"""


@pytest.fixture
def folder(tmp_path):
    return ConfigurationFolder(tmp_path)


def run(folder, *arguments):
    folder.load(TWO)
    return CliRunner().invoke(registry_config, ["--config", str(folder.file), *arguments])


def test_distribution_block(folder):
    """The block names our address and token, and is the same section as its JSON, whatever its comments say."""
    settings = folder.load(TWO)
    block = yaml.safe_load(notification_block(settings, "main"))
    assert block == notification_fields(settings, "main")
    (endpoint,) = block["notifications"]["endpoints"]
    assert endpoint["url"] == "https://enforcer.example/tags/notifications/main"
    assert endpoint["headers"] == {"Authorization": ["Bearer first-token"]}
    assert endpoint["ignore"] == {"mediatypes": ["application/octet-stream"], "actions": ["pull"]}
    assert block["notifications"]["events"] == {"includereferences": True}


@pytest.mark.parametrize("token", ["]", 'a"b', "a # b", "{a: b}", "back\\slash", "schlüssel", "'"])
def test_any_token_is_valid_yaml(folder, token):
    """A token that means something in YAML comes out as it is."""
    folder.write("token", token)
    settings = folder.load("[registries.main]\nurl = 'http://127.0.0.1:5000'\nnotification_token_file = 'token'\n")
    (endpoint,) = yaml.safe_load(notification_block(settings, "main"))["notifications"]["endpoints"]
    assert endpoint["headers"] == {"Authorization": [f"Bearer {token}"]}


def test_harbor_webhook(folder):
    """For Harbor the fields of a webhook are listed, with the header's value as it is sent."""
    lines = notification_block(folder.load(TWO), "harbor").splitlines()
    assert "endpoint URL:   https://enforcer.example/tags/notifications/harbor" in lines
    assert "auth header:    Bearer second-token" in lines
    assert "event types:    PUSH_ARTIFACT, DELETE_ARTIFACT, REPLICATION, TAG_RETENTION" in lines


def test_harbor_webhook_as_json(folder):
    """For Harbor's API it is a whole webhook policy, which never asks for pulls."""
    policy = notification_fields(folder.load(TWO), "harbor")
    assert policy["enabled"] is True
    assert "PULL_ARTIFACT" not in policy["event_types"]
    (target,) = policy["targets"]
    assert target["address"] == "https://enforcer.example/tags/notifications/harbor"
    assert target["auth_header"] == "Bearer second-token"


def test_command_prints_the_first_registry(folder):
    """Without a name it is the first registry of the file, and what is printed can go into its configuration."""
    result = run(folder)
    assert result.exit_code == 0
    assert yaml.safe_load(result.stdout) == notification_fields(folder.load(TWO), "main")


def test_command_prints_the_named_registry(folder):
    """A name chooses the registry, also with --json."""
    assert "auth header:    Bearer second-token\n" in run(folder, "harbor").stdout
    assert yaml.safe_load(run(folder, "harbor", "--json").stdout) == notification_fields(folder.load(TWO), "harbor")


def test_command_does_not_know_the_registry(folder):
    """An unknown name is wrong usage, and the similar one is offered."""
    result = run(folder, "habor")
    assert result.exit_code == 2
    assert "no registry is configured as 'habor' (did you mean harbor?)" in result.stderr


HARBOR = """
[registries.harbor]
url = "{url}"
kind = "harbor"
username = "enforcer"
password = "{password}"
notification_token = "second-token"
namespaces = ["library", "_"]
[[policies]]
registry = "harbor"
namespace = "team"
tags = {{ pattern = "v*" }}
"""


@pytest.fixture
def harbor():
    with FakeHarbor("http://127.0.0.1:1", projects=("library", "team", "other")) as harbor:
        yield harbor


def create(folder, harbor, *arguments, password="swordfish"):
    folder.load(HARBOR.format(url=harbor.url, password=password))
    return CliRunner().invoke(registry_config, ["harbor", "--create", "--config", str(folder.file), *arguments])


def test_create_in_every_project(folder, harbor):
    """The webhook is made in each project that the configuration names, and only once."""
    result = create(folder, harbor)
    assert (result.exit_code, result.stdout) == (0, "library: webhook created\nteam: webhook created\n")
    again = create(folder, harbor, "--json")
    assert json.loads(again.stdout) == {"library": "unchanged", "team": "unchanged"}
    wanted = notification_fields(folder.load(HARBOR.format(url=harbor.url, password="swordfish")), "harbor")
    for project, expected in (("library", 1), ("team", 1), ("other", 0)):
        assert len(harbor.webhooks[project]) == expected
        assert all(webhook.items() >= wanted.items() for webhook in harbor.webhooks[project])


def test_create_in_a_named_project(folder, harbor):
    """--namespace names other projects; one that fails keeps none of the others from their webhook."""
    result = create(folder, harbor, "--namespace", "missing", "--namespace", "other")
    assert (result.exit_code, result.stdout) == (1, "other: webhook created\n")
    assert "project missing" in result.stderr
    assert not harbor.webhooks["library"]


def test_create_with_a_wrong_password(folder, harbor):
    """Who cannot log in is told so, for each project, and the password is not shown."""
    result = create(folder, harbor, password="wr0ng")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert "wr0ng" not in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["main", "--create"], "main is no Harbor"),
        (["harbor", "--create"], "no username"),
        (["main", "--namespace", "library"], "--create"),
    ],
)
def test_what_cannot_be_created(folder, arguments, reason):
    """Only in a Harbor can a webhook be made, and only by somebody."""
    result = run(folder, *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr


def test_create_where_no_project_is_named(folder, harbor):
    """Without any project in the configuration one must be given."""
    text = HARBOR.format(url=harbor.url, password="swordfish").partition("namespaces")[0]
    folder.load(text)
    result = CliRunner().invoke(registry_config, ["--create", "--config", str(folder.file)])
    assert (result.exit_code, "give --namespace" in result.stderr) == (2, True)
