"""A Redis from a dump that lists each key with its type and its value, bytes as Latin-1."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from redis import Redis


def load_dump(redis: Redis, file: Path) -> None:
    """Write every key of the dump."""
    for key, entry in json.loads(file.read_text(encoding="utf-8")).items():
        _WRITE[entry["type"]](redis, key, entry["value"])


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")


def _fields(value: dict[str, str]) -> dict[Any, Any]:
    return {_bytes(name): _bytes(each) for name, each in value.items()}


def _write_stream(redis: Any, key: str, value: dict[str, Any]) -> None:
    for entry_id, fields in value["entries"]:
        redis.xadd(key, _fields(fields), id=entry_id)
    for group in value["groups"]:
        redis.xgroup_create(key, group["name"], id="0")
        while redis.xinfo_groups(key)[0]["last-delivered-id"].decode() != group["last"]:
            ((_, ((entry_id, _),)),) = redis.xreadgroup(group["name"], "loader", {key: ">"}, count=1)
            redis.xack(key, group["name"], entry_id)


_WRITE: dict[str, Any] = {
    "string": lambda redis, key, value: redis.set(key, _bytes(value)),
    "hash": lambda redis, key, value: redis.hset(key, mapping=_fields(value)),
    "set": lambda redis, key, value: redis.sadd(key, *map(_bytes, value)),
    "zset": lambda redis, key, value: redis.zadd(key, {_bytes(member): score for member, score in value}),
    "stream": _write_stream,
}
