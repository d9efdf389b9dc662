"""The types of single values of the configuration. Errors never repeat a text that may hold a secret."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    SecretStr,
    Strict,
    ValidationInfo,
)
from pydantic_core import core_schema

from enforcer import names

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_PORT = re.compile(r"[0-9]{1,5}")
_ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_REDIS_SCHEMES = ("redis://", "rediss://", "redis+sentinel://", "unix://")

EMBEDDED = "embedded"
"""The `redis_url` of a server that Tag Enforcer starts itself."""


class Table(BaseModel):
    """A table of the configuration: frozen, no unknown keys, and no value of another type than its key has."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, validate_default=True, hide_input_in_errors=True
    )


def _address(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("should have no blanks and only ASCII characters")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("should be an address like https://host:port, with http or https")
    if "@" in parts.netloc:
        raise ValueError("should hold no credentials: they would be shown with it")
    if "#" in text:
        raise ValueError("should have no fragment ('#...')")
    return text


def _base_address(text: str) -> str:
    _address(text)
    if "?" in text:
        raise ValueError("should have no query ('?...')")
    return text.rstrip("/")


def _listen(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host:
        raise ValueError("should be host:port, 127.0.0.1:8080; for every address of this machine 0.0.0.0:8080")
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError("should end in a port from 0 to 65535 (0: any free one)")
    if host.startswith("[") and host.endswith("]"):
        IPv6Address(host[1:-1])  # its ValueError says what is wrong
    elif not _HOST.fullmatch(host):
        raise ValueError("should begin with a host name or address; an IPv6 address stands in brackets, [::1]:8080")
    return text


def _redis_url(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if text != EMBEDDED and not any(text.startswith(scheme) and text != scheme for scheme in _REDIS_SCHEMES):
        raise ValueError(f"should be {EMBEDDED!r} or begin with {', '.join(_REDIS_SCHEMES)}")
    return secret


def _channel(secret: SecretStr) -> SecretStr:
    if not _SCHEME.fullmatch(secret.get_secret_value()):
        raise ValueError("should be an Apprise URL, like slack://...")
    return secret


def _path(given: Any, info: ValidationInfo) -> Path:
    if not isinstance(given, str | Path) or not str(given):
        raise ValueError("should be a path, as a string")
    if "\0" in str(given):
        raise ValueError("should be a path: it holds a NUL character")
    folder = (info.context or {}).get("folder")
    return Path(given) if folder is None else folder / given


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path} is no file")
    return path


def _user_name(text: str) -> str:
    if ":" in text:
        raise ValueError("should have no ':': HTTP Basic ends the user name there")
    return text


def _account_name(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise ValueError("is no account name: 1 to 64 of A-Z, a-z, 0-9, '.', '_', '@' and '-', first a letter or digit")
    return text


_NAME = GetPydanticSchema(
    lambda name, _: core_schema.no_info_after_validator_function(name, core_schema.str_schema(strict=True))
)

RegistryName = Annotated[names.RegistryName, _NAME]
Namespace = Annotated[names.Namespace, _NAME]
AccountName = Annotated[str, AfterValidator(_account_name)]
Text = Annotated[str, Field(min_length=1)]
UserName = Annotated[Text, AfterValidator(_user_name)]
Secret = Annotated[SecretStr, Field(min_length=1)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
AlertChannel = Annotated[SecretStr, AfterValidator(_channel)]
BaseAddress = Annotated[str, AfterValidator(_base_address)]
Address = Annotated[str, AfterValidator(_address)]
ListenAddress = Annotated[str, AfterValidator(_listen)]
ConfiguredPath = Annotated[Path, BeforeValidator(_path)]
ExistingFile = Annotated[ConfiguredPath, AfterValidator(_existing_file)]
AnyList = Strict(False)
"""Lets a tuple be built from a list, which is what TOML has; what is in it stays strict."""
