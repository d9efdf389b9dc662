from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import yaml

from enforcer.names import RegistryName
from enforcer.registries.notification_config import notification_fields
from enforcer.settings.settings import load

DEPLOY = Path(__file__).parent.parent / "deploy"


def deployed(directory):
    """The files of deploy/ in a directory of their own, with fresh secrets; the configuration looks for them there."""
    directory = directory / "deploy"
    shutil.copytree(DEPLOY, directory, ignore=shutil.ignore_patterns("secrets"))
    subprocess.run([directory / "make-secrets"], check=True, capture_output=True)
    config = directory / "enforcer.toml"
    config.write_text(config.read_text().replace("/run/secrets/", f"{directory}/secrets/"))
    return directory


def test_the_registry_of_the_compose_file_sends_what_the_receiver_expects(tmp_path):
    """The registry's configuration names the same address, token and filter as `enforcer registry-config` would."""
    directory = deployed(tmp_path)
    settings = load(directory / "enforcer.toml", {})
    config = yaml.safe_load((directory / "secrets" / "registry.yml").read_text())
    assert config["notifications"] == notification_fields(settings, RegistryName("main"))["notifications"]


def test_making_secrets_again_keeps_those_that_are_there(tmp_path):
    """Whoever runs `make secrets` twice has the same secrets, which containers may hold already."""
    directory = deployed(tmp_path)
    before = {path.name: path.read_text() for path in (directory / "secrets").iterdir()}
    subprocess.run([directory / "make-secrets"], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in (directory / "secrets").iterdir()} == before


def test_only_the_owner_gets_at_the_secrets(tmp_path):
    """The files can be read in the containers, by users with other numbers; on the host the directory keeps them."""
    secrets = deployed(tmp_path) / "secrets"
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in secrets.iterdir())


def test_each_secret_is_one_of_its_own(tmp_path):
    """No secret stands for two things, and each has 256 bits."""
    secrets = deployed(tmp_path) / "secrets"
    values = [(secrets / name).read_text() for name in ("admin-token", "notification-token", "webhook-secret")]
    assert len(set(values)) == 3
    assert all(len(value) == 43 for value in values)
