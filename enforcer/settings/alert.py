"""The table `[alerts]`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from enforcer.validation.fields import Address, AlertChannel, AnyList, Secret, Table


class AlertSettings(Table):
    """Where alerts go; nowhere, if nothing is given."""

    urls: Annotated[tuple[AlertChannel, ...], AnyList] = Field(
        default=(), description="Apprise URLs, one for each channel; in a file of their own one a line."
    )
    webhook_url: Address | None = Field(default=None, description="Address that gets each alert as signed JSON.")
    webhook_secret: Secret | None = Field(default=None, description="Key of that signature.")
    alert_recorded: bool = Field(
        default=False, description="True: each protected tag is told when it is first recorded."
    )

    @field_validator("webhook_secret")
    @classmethod
    def _with_webhook(cls, secret: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if secret is None and info.data.get("webhook_url"):
            raise ValueError("is missing: what goes to webhook_url is signed with it; give it, or webhook_secret_file")
        return secret
