"""The table `[accounts.<name>]`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from enforcer.validation.fields import AnyList, Secret, Table, Text


class AccountSettings(Table):
    """A user of the policy APIs."""

    role: Literal["admin", "viewer"] = Field(
        default="viewer", description="What the account may do: change policies (admin), or only look (viewer)."
    )
    password: Secret | None = Field(
        default=None, description="Password for HTTP Basic; the user is the account's name."
    )
    token: Secret | None = Field(default=None, description="Token for X-Auth-Token and Bearer.")
    projects: Annotated[tuple[Text, ...], AnyList] = Field(
        default=(), description="Project ids that it may use in SWR paths; empty: any."
    )
    access_key: Text | None = Field(
        default=None, description="Id of the key that signs SDK-HMAC-SHA256 and TC3-HMAC-SHA256 requests."
    )
    secret_key: Secret | None = Field(default=None, description="Secret half of that key.")

    @field_validator("secret_key")
    @classmethod
    def _with_access_key(cls, secret_key: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if "access_key" in info.data and (secret_key is None) is not (info.data["access_key"] is None):
            raise ValueError("needs an access_key beside it" if secret_key else "is missing: the access_key has none")
        return secret_key

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if not (self.password or self.token or self.access_key):
            raise ValueError("nobody can use the account: give it a password, a token or an access_key")
        return self
