"""The first configuration file, for a start without one."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

_TEXT = """\
# Configuration of Tag Enforcer. It holds secrets: keep it to yourself.
# Every secret can also stand in a file of its own: <key>_file = "path".
# ENFORCER_<KEY> in the environment overrides a key of this first part.
# `enforcer check` says whether all of it can be used.

redis_url = "embedded"               # a server of its own in data_dir; or redis://host:6379/0
data_dir = "data"                    # relative to this file
listen = "127.0.0.1:8080"            # who must be reached by a registry elsewhere: 0.0.0.0:8080
public_url = "http://127.0.0.1:8080" # the address under which the registry finds us

# A registry. Its name, here "main", is part of the address of its notifications.
[registries.main]
url = {registry_url}
kind = "distribution"                # or "harbor"
# Sent by the registry with each notification; `enforcer registry-config` shows where it belongs.
notification_token = {notification_token}
# A registry with users needs one here that may pull and push:
# username = "enforcer"
# password_file = "/run/secrets/registry-password"

# Who may change policies: this token is sent as "Authorization: Bearer ...".
[accounts.admin]
role = "admin"                       # a "viewer" can only look
token = {admin_token}

# Who is told of violations: any Apprise URL.
# [alerts]
# urls = ["slack://..."]

# Tags of library/... never move, except latest.
[[policies]]
registry = "main"
namespace = "library"
repositories = {{ decoration = "repoMatches", pattern = "**" }}
tags = {{ decoration = "excludes", pattern = "latest" }}
"""


def write_first(path: Path, *, registry_url: str = "http://127.0.0.1:5000") -> None:
    """Write a configuration with fresh tokens that only its owner can read.

    Raises `FileExistsError` rather than touch a file that is there.
    """
    text = _TEXT.format(
        registry_url=_quoted(registry_url),
        notification_token=_quoted(secrets.token_urlsafe(32)),
        admin_token=_quoted(secrets.token_urlsafe(32)),
    )
    # One call creates it and sets its mode: there is no moment in which others could read or replace it.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _quoted(text: str) -> str:
    """A TOML string; its escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)
