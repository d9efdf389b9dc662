"""Lua scripts: each stands in a file beside the module that calls it."""

from __future__ import annotations

from functools import cache
from importlib import resources

from redis import Redis
from redis.commands.core import Script


def script(redis: Redis, package: str, name: str) -> Script:
    """The script `name` of a package, ready to be called on that Redis or in its pipelines."""
    return redis.register_script(_text(package, name))


@cache
def _text(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")
