"""Lua scripts: each stands in a file beside the module that calls it."""

from __future__ import annotations

from importlib import resources

from redis import Redis
from redis.commands.core import Script


def script(redis: Redis, package: str, name: str) -> Script:
    """The script `name` of a package, ready to be called on that Redis or in its pipelines."""
    text = resources.files(package).joinpath(name).read_text(encoding="utf-8")
    return redis.register_script(text)
