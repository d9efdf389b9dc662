"""The table `[registries.<name>]`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from enforcer.validation.fields import Address, AnyList, BaseAddress, ExistingFile, Namespace, Secret, Table, UserName

LONGEST_TIMEOUT = 20
"""Seconds; what workers may take for a step counts on it."""


class RegistrySettings(Table):
    """A registry whose tags are watched."""

    url: BaseAddress = Field(description="Address of the registry's API, up to where /v2/ would begin.")
    kind: Literal["distribution", "harbor"] = Field(
        default="distribution", description="What the registry runs, and so what its notifications look like."
    )
    username: UserName | None = Field(
        default=None, description="User that reads and restores manifests; none: without credentials."
    )
    password: Secret | None = Field(default=None, description="Password of that user.")
    notification_token: Secret = Field(description="Token that the registry sends with each notification.")
    notification_token_previous: Secret | None = Field(
        default=None, description="Token that is accepted as well while the registry is being given a new one."
    )
    token_url: Address | None = Field(
        default=None,
        description="Address of the token service, where it is not at the registry's own scheme, host and port.",
    )
    ca_file: ExistingFile | None = Field(
        default=None, description="File of the certificates (PEM) that the registry's own is checked against."
    )
    timeout: float = Field(
        default=10, ge=0.1, le=LONGEST_TIMEOUT, description="Longest wait for an answer, in seconds."
    )
    namespaces: Annotated[tuple[Namespace, ...], AnyList] = Field(
        default=(), description="Namespaces that are known before their first push."
    )

    @field_validator("password")
    @classmethod
    def _with_username(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "username" in info.data and (password is None) is not (info.data["username"] is None):
            raise ValueError("needs a username beside it" if password else "is missing: the username has none")
        return password
