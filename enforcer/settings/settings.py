"""Settings: everything that an operator can choose, read once at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator

from enforcer.errors import InvalidSettings
from enforcer.policies.declaration import (
    POLICIES_PER_NAMESPACE,
    PolicySettings,
    RepositorySelectorSettings,
    TagSelectorSettings,
    check_together,
)
from enforcer.settings.account import AccountSettings
from enforcer.settings.alert import AlertSettings
from enforcer.settings.environment import override
from enforcer.settings.file import find_file, read_table
from enforcer.settings.registry import RegistrySettings
from enforcer.settings.secret_files import resolve
from enforcer.validation.explain import explanations
from enforcer.validation.fields import (
    EMBEDDED,
    AccountName,
    AnyList,
    BaseAddress,
    ConfiguredPath,
    ListenAddress,
    RedisUrl,
    RegistryName,
    Table,
)
from enforcer.validation.problems import Problems

__all__ = [
    "EMBEDDED",
    "AccountSettings",
    "AlertSettings",
    "PolicySettings",
    "RegistrySettings",
    "RepositorySelectorSettings",
    "Settings",
    "TagSelectorSettings",
    "load",
]


class Settings(Table):
    """The top level of the configuration. `load` alone also checks what no table can tell by itself."""

    redis_url: RedisUrl = Field(
        default=SecretStr(EMBEDDED),
        description="Address of Redis, or embedded: a server of its own in data_dir.",
    )
    data_dir: ConfiguredPath = Field(default=Path("data"), description="Directory for everything that is kept on disk.")
    embedded_memory: int = Field(
        default=1_073_741_824,
        ge=16_777_216,
        le=1_099_511_627_776,
        description="Bytes of data that an embedded server takes; beyond that it refuses what is new.",
    )
    listen: ListenAddress = Field(
        default="127.0.0.1:8080", description="Address to serve on, host:port; port 0: any free one."
    )
    public_url: BaseAddress = Field(
        default="http://127.0.0.1:8080", description="Address under which registries and people reach the server."
    )
    log_level: Literal["debug", "info", "warning", "error", "critical"] = Field(
        default="info", description="Least weight of the log lines that are written."
    )
    processes: int = Field(default=1, ge=1, le=64, description="Number of worker processes that drain the log.")
    policies_per_namespace: int = Field(
        default=POLICIES_PER_NAMESPACE, ge=1, le=1000, description="Largest number of policies in one namespace."
    )
    archive_days: int = Field(
        default=30, ge=1, le=3650, description="How long accepted events are kept for a replay, in days."
    )
    archive_events: int = Field(
        default=1_000_000, ge=1, le=1_000_000_000, description="Largest number of accepted events that are kept."
    )
    archive_bytes: int = Field(
        default=268_435_456,
        ge=1_048_576,
        le=1_099_511_627_776,
        description="Bytes of Redis that accepted events take once they are judged.",
    )
    kept_bytes: int = Field(
        default=268_435_456,
        ge=1_048_576,
        le=1_099_511_627_776,
        description="Bytes of Redis that the kept manifests of one registry take.",
    )
    sweep_interval: int = Field(
        default=600,
        ge=1,
        le=86_400,
        description="Time between sweeps of a registry, in seconds: no overwrite stays longer.",
    )
    sweep_rate: float = Field(
        default=100, ge=0.1, le=10_000, description="Most requests a second that a sweep sends to one registry."
    )
    late_window: int = Field(
        default=600,
        ge=0,
        le=86_400,
        description="How late an event may come and still correct the record of its tag, in seconds.",
    )
    history_limit: int = Field(
        default=100, ge=1, le=10_000, description="Largest number of history entries that are kept for one tag."
    )
    notification_limit: int = Field(
        default=33_554_432,
        ge=1024,
        le=268_435_456,
        description="Size of the largest notification that is parsed, in bytes.",
    )
    dead_letters: int = Field(
        default=1000, ge=1, le=1_000_000, description="Largest number of notifications kept that were not understood."
    )
    registries: dict[RegistryName, RegistrySettings] = Field(default={}, description="The registries, by name.")
    accounts: dict[AccountName, AccountSettings] = Field(
        default={}, description="Who may use the policy APIs, by name."
    )
    alerts: AlertSettings = Field(default=AlertSettings(), description="Where alerts go.")
    policies: Annotated[tuple[PolicySettings, ...], AnyList] = Field(
        default=(), description="Policies as code: applied at the start."
    )

    @field_validator("registries")
    @classmethod
    def _some_registry(cls, registries: dict[str, RegistrySettings]) -> dict[str, RegistrySettings]:
        if not registries:
            raise ValueError("none is configured; add a table [registries.main] with url and notification_token")
        return registries

    @field_validator("accounts")
    @classmethod
    def _distinct_accounts(cls, accounts: dict[str, AccountSettings]) -> dict[str, AccountSettings]:
        for key in ("token", "access_key"):
            owners: dict[object, str] = {}
            for name, account in accounts.items():
                value = getattr(account, key)
                if value is not None and owners.setdefault(value, name) != name:
                    raise ValueError(f"{owners[value]} and {name} have the same {key}; each needs its own")
        return accounts

    @property
    def database(self) -> tuple[str, Path, int]:
        """The Redis to use: its address, and for an embedded one its directory and its memory in bytes."""
        return self.redis_url.get_secret_value(), self.data_dir, self.embedded_memory

    @property
    def listen_host(self) -> str:
        """The host to serve on, an IPv6 address without its brackets."""
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def listen_port(self) -> int:
        """The port to serve on."""
        return int(self.listen.rpartition(":")[2])


def load(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the given file, else of `ENFORCER_CONFIG`, else of `./enforcer.toml`.

    `ENFORCER_<KEY>` overrides a key of the top level. Relative paths are relative to the directory of the file.
    Raises `InvalidSettings` with one line for each problem that was found.
    """
    file = find_file(path, environ)
    table = read_table(file)
    problems = Problems(file.absolute().parent)
    table = resolve(Settings, override(Settings, table, environ, problems), problems)
    settings = _validated(table, problems)
    if settings is None or problems.problems:
        raise InvalidSettings(problems.problems)
    return settings


def _validated(table: dict[str, Any], problems: Problems) -> Settings | None:
    check_together(table, problems)
    try:
        return Settings.model_validate(table, context={"folder": problems.folder})
    except ValidationError as error:
        for at, text in explanations(error):
            problems.reject(at, text)
        return None
