"""Checks of Redis: whether it answers, can be written to, knows our commands and keeps what it took."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from redis import Redis, RedisError

from enforcer.cli.check.result import Result, failed, ok, warning
from enforcer.settings.settings import Settings
from enforcer.store.kept_manifests import NEARLY
from enforcer.store.stores import Stores

OLDEST = (6, 2)
"""The first Redis with XAUTOCLAIM and with LT for ZADD."""

_SUBJECT = "redis"
_KEY = "te:check"
_KEY_SECONDS = 10
_VERSION = re.compile(r"(\d+)\.(\d+)")


def check_data_dir(data_dir: Path) -> Result | None:
    """Why an embedded server cannot keep its files there; None if it can. The directory need not exist yet."""
    folder = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
    if not folder.is_dir():
        return failed("data_dir", f"{folder} is no directory: choose another data_dir")
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed("data_dir", f"user {os.geteuid()} may not write to {folder}: change its owner, or data_dir")
    return None


def check_store(redis: Redis, address: str) -> Iterator[Result]:
    """Check a Redis that answers; `address` is what to call it."""
    connection: Any = redis  # its types leave open whether answers come now or later; ours come now
    try:
        connection.set(_KEY, 1, ex=_KEY_SECONDS)
    except RedisError as error:
        yield failed(_SUBJECT, f"{address} takes no writes: {error}")
        return
    try:
        facts = connection.info()
    except RedisError as error:
        yield warning(_SUBJECT, f"{address} does not say how it is configured: {error}")
        return
    yield ok(_SUBJECT, f"{_name(facts)} at {address} answers and takes writes")
    yield from judge_facts(facts, snapshots=_takes_snapshots(connection))


def judge_facts(facts: Mapping[str, Any], *, snapshots: bool | None) -> Iterator[Result]:
    """The faults of a server that INFO says this of; `snapshots` is None where it does not tell."""
    found = _VERSION.match(str(facts.get("redis_version", "")))
    if found and (int(found[1]), int(found[2])) < OLDEST:
        yield failed(_SUBJECT, f"{_name(facts)} is too old: at least 6.2 is needed, which has XAUTOCLAIM and ZADD LT")
    if not facts.get("aof_enabled") and not snapshots:
        known = "takes no snapshots" if snapshots is False else "does not tell whether it takes snapshots"
        advice = "accepted events are lost when it ends; set appendonly yes"
        yield warning(_SUBJECT, f"it has no append-only file and {known}: {advice}")
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        advice = "when memory is full it drops records and events; set maxmemory-policy noeviction"
        yield warning(_SUBJECT, f"maxmemory-policy is {policy}: {advice}")


def check_budgets(stores: Stores, settings: Settings) -> Iterator[Result]:
    """How much of the budgets in bytes is used."""
    for registry in settings.registries:
        yield _use(f"kept manifests of {registry}", stores.ledger.used(registry), settings.kept_bytes, "kept_bytes")
    yield ok("budgets", f"the archive takes {_share(stores.log.used(), settings.archive_bytes, 'archive_bytes')}")


def _use(what: str, used: int, budget: int, key: str) -> Result:
    text = f"{what} take {_share(used, budget, key)}"
    if used < NEARLY * budget:
        return ok("budgets", text)
    return warning("budgets", f"{text}: beyond it new ones are not kept; raise {key}, or see who pushes so much")


def _share(used: int, budget: int, key: str) -> str:
    return f"{used / 2**20:.1f} of {budget / 2**20:.1f} MiB ({key})"


def _takes_snapshots(connection: Any) -> bool | None:
    try:
        return bool(connection.config_get("save").get("save"))
    except RedisError:  # hosted ones have no CONFIG
        return None


def _name(facts: Mapping[str, Any]) -> str:
    if version := facts.get("valkey_version"):
        return f"Valkey {version}"
    return f"Redis {facts.get('redis_version', 'of an unknown version')}"
