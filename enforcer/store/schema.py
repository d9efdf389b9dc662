"""The schema: which layout the data in Redis has. A program that finds a newer one than it knows leaves it alone."""

from __future__ import annotations

from typing import Any

from redis import Redis

from enforcer.errors import StoreUnavailable

SCHEMA = 1
"""What this version reads and writes. Data without a number is older than the number, and of this layout."""

KEY = "te:schema"


def check_schema(redis: Redis) -> None:
    """Leave a Redis alone whose data this version does not know. Raises `StoreUnavailable`."""
    connection: Any = redis  # its types leave open whether answers are bytes or text; ours are bytes
    found = connection.get(KEY)
    text = str(SCHEMA) if found is None else found.decode(errors="replace")
    if text != str(SCHEMA):
        raise StoreUnavailable(
            f"the data in Redis has schema {text[:20]}, and this version of Tag Enforcer knows schema {SCHEMA}: "
            "run the version that wrote it, or point redis_url to another Redis"
        )


def write_schema(redis: Redis) -> None:
    """Note the schema where there is no number yet."""
    redis.set(KEY, SCHEMA, nx=True)
