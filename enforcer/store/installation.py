"""The installation: an id by which its requests are told from those of another Tag Enforcer; made once."""

from __future__ import annotations

import secrets
from typing import Any

from redis import Redis

KEY = "te:installation"


def write_installation(redis: Redis) -> None:
    """Make the id where there is none yet."""
    redis.set(KEY, secrets.token_hex(8), nx=True)


def installation_id(redis: Redis) -> str:
    """The id of the installation that this Redis is of; "" for an empty Redis."""
    connection: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
    found: bytes | None = connection.get(KEY)
    return found.decode() if found else ""
