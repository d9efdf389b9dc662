from __future__ import annotations

import os
import stat

import pytest

from enforcer.settings.settings import load
from enforcer.settings.template import write_first


@pytest.fixture
def file(tmp_path):
    """Where the first configuration is to be."""
    return tmp_path / "enforcer.toml"


def test_the_first_settings_can_be_used_as_they_are(file):
    """A start without a configuration works: own store, one registry, one admin, one policy."""
    write_first(file)
    settings = load(file, {})
    assert settings.redis_url.get_secret_value() == "embedded"
    assert settings.data_dir == file.parent / "data"
    assert {name: registry.url for name, registry in settings.registries.items()} == {"main": "http://127.0.0.1:5000"}
    assert {name: account.role for name, account in settings.accounts.items()} == {"admin": "admin"}
    (policy,) = settings.policies
    assert (policy.registry, policy.namespace, policy.repositories.pattern) == ("main", "library", "**")
    assert (policy.tags.decoration, policy.tags.pattern) == ("excludes", "latest")


def test_the_registry_can_be_another(file):
    """The address is quoted as TOML wants it."""
    write_first(file, registry_url='https://registry.example/"\\')
    assert load(file, {}).registries["main"].url == 'https://registry.example/"\\'


def test_the_tokens_are_fresh_and_long(tmp_path):
    """No two installations share a token, nor do its two uses."""
    tokens = []
    for name in ("one.toml", "two.toml"):
        write_first(tmp_path / name)
        settings = load(tmp_path / name, {})
        tokens += [settings.registries["main"].notification_token, settings.accounts["admin"].token]
    assert len({token.get_secret_value() for token in tokens}) == 4
    assert all(len(token) == 43 for token in tokens)


def test_only_its_owner_can_read_it(file):
    """It holds secrets, whatever the umask lets through."""
    before = os.umask(0)
    try:
        write_first(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_there_stays_as_it_is(file):
    """Nobody loses a configuration."""
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        write_first(file)
    assert file.read_text() == "mine"


def test_a_link_is_not_followed(file, tmp_path):
    """The secrets go into a file of our own or nowhere."""
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_first(file)
    assert not (tmp_path / "elsewhere").exists()
