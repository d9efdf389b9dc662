"""Lua scripts: what Redis does in one step, each in a file of its own beside this one."""

from __future__ import annotations

from functools import cache
from importlib import resources

from redis import Redis
from redis.commands.core import Script


def script(redis: Redis, name: str) -> Script:
    """The script in `NAME.lua`, ready to be called on that Redis or in its pipelines."""
    return redis.register_script(_text(name))


@cache
def _text(name: str) -> str:
    return resources.files(__name__).joinpath(f"{name}.lua").read_text(encoding="utf-8")
