"""The stage: a registry, Tag Enforcer and a receiver of alerts, all on 127.0.0.1 and in one directory."""

from __future__ import annotations

import secrets
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from rq import Worker

from enforcer.demo.image import Client
from enforcer.demo.program import Program
from enforcer.demo.registry import RegistryProgram
from enforcer.demo.watch import Watch
from enforcer.demo.webhook import Webhook
from enforcer.names import RegistryName, Repository, Tag, TagName
from enforcer.registries.notification_config import notification_block
from enforcer.settings.settings import EMBEDDED, Settings, load
from enforcer.store.connection import running_database
from enforcer.store.stores import Stores
from enforcer.store.wakeups import Task

REGISTRY = RegistryName("demo")
REPOSITORY = Repository("shop/checkout")
RELEASE = TagName(REGISTRY, REPOSITORY, Tag("1.4.0"))
LATEST = TagName(REGISTRY, REPOSITORY, Tag("latest"))

_START_SECONDS = 60

_SETTINGS = """\
redis_url = "embedded"
data_dir = "data"
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"

[registries.{registry}]
url = "http://127.0.0.1:{registry_port}"
notification_token = "{token}"

[alerts]
webhook_url = "{webhook_url}"
webhook_secret = "{webhook_secret}"

[[policies]]
registry = "{registry}"
namespace = "{namespace}"
repositories = {{ decoration = "repoMatches", pattern = "**" }}
tags = {{ decoration = "excludes", pattern = "{mutable}" }}
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The place of the demonstration; `config` is the configuration of Tag Enforcer."""

    config: Path
    settings: Settings
    stores: Stores
    webhook: Webhook
    registry_name: str

    @property
    def registry_url(self) -> str:
        """Where the registry is."""
        return self.settings.registries[REGISTRY].url

    def client(self, name: str) -> Client:
        """A user of the registry."""
        return Client(self.registry_url, name)

    def is_ready(self) -> bool:
        """True when all parts are there, and have looked at what the registry held when the policy came into force."""
        return (
            self.client("demo").answers()
            and _answers(f"{self.settings.public_url}/readyz")
            and all(Worker.count(queue=self.stores.wakeups.of(task)) for task in Task)
            and not len(self.stores.baselines)
        )


def build(stack: ExitStack, folder: Path, program: RegistryProgram, watch: Watch) -> Stage:
    """A stage in that folder, ready to play on; whatever is started ends with the stack."""
    webhook = stack.enter_context(Webhook(secrets.token_urlsafe(32)))
    config = _write_settings(folder, webhook)
    settings = load(config, {})
    # First to start and last to be left, so it is we who end the embedded server.
    redis = stack.enter_context(running_database(EMBEDDED, settings.data_dir))
    stage = Stage(config, settings, Stores.open(settings, redis), webhook, program.name)
    port = int(stage.registry_url.rpartition(":")[2])
    registry = program.start(folder, port, notification_block(settings, REGISTRY))
    watch.programs.append(stack.enter_context(registry))
    watch.programs.append(stack.enter_context(_start_enforcer(folder, config)))
    watch.until("the start of all parts", stage.is_ready, seconds=_START_SECONDS)
    return stage


def _write_settings(folder: Path, webhook: Webhook) -> Path:
    config = folder / "enforcer.toml"
    port, registry_port = _free_ports()
    text = _SETTINGS.format(
        port=port,
        registry=REGISTRY,
        registry_port=registry_port,
        token=secrets.token_urlsafe(32),
        webhook_url=webhook.url,
        webhook_secret=webhook.secret,
        namespace=REPOSITORY.namespace,
        mutable=LATEST.tag,
    )
    config.touch(mode=0o600)
    config.write_text(text, encoding="utf-8")
    return config


def _start_enforcer(folder: Path, config: Path) -> Program:
    command = [sys.executable, "-m", "enforcer", "up", "--config", str(config)]
    return Program("Tag Enforcer", command, folder / "enforcer.log")


def _free_ports() -> tuple[int, int]:
    """Two ports that are free at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=5).ok
