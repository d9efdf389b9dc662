"""The endpoint of a registry: its address, and the account that Tag Enforcer uses there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from enforcer.names import RegistryName
from enforcer.settings.registry import RegistrySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryEndpoint:
    """The address of one registry, with account, time limit and certificates.

    `url` ends without a slash and holds no credentials. `token_url` is needed only where the registry sends its clients
    to a token service of another origin. `timeout` is in seconds and holds for connecting, for each wait for an answer
    and for a whole body.
    """

    name: RegistryName
    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    token_url: str | None = None
    timeout: float = 10.0
    ca_file: str | None = None
    kind: str = "distribution"
    user_agent: str = "tag-enforcer"

    @classmethod
    def of(cls, name: RegistryName, settings: RegistrySettings) -> Self:
        """The endpoint that the settings of a registry describe."""
        return cls(
            name=name,
            url=settings.url,
            username=settings.username or "",
            password=settings.password.get_secret_value() if settings.password else "",
            token_url=settings.token_url,
            timeout=settings.timeout,
            ca_file=str(settings.ca_file) if settings.ca_file else None,
            kind=settings.kind,
        )
