"""Baselines and sweeps of the registry `main`, at full speed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from enforcer.judgement.record import Decision, Record
from enforcer.names import Digest, Repository, Tag, TagName
from tests.fakes.events import MAIN, digest, push
from tests.fakes.registry import FakeRegistry
from worker.context import Context
from worker.judging.drain import drain
from worker.scanning.baseline import Baseline
from worker.scanning.report import SoFar
from worker.scanning.scan import Scan, scan_of
from worker.scanning.sweep import Sweep

FAST = 10_000
"""A `sweep_rate` that bounds nothing."""


def name_of(text: str) -> TagName:
    """The tag of `repository:tag`."""
    repository, _, tag = text.rpartition(":")
    return TagName(MAIN, Repository(repository), Tag(tag))


def record_of(context: Context, text: str) -> Record | None:
    """The record of `repository:tag`."""
    return context.ledger.state(name_of(text)).record


def decisions_of(context: Context, text: str) -> list[Decision]:
    """What was decided of `repository:tag`, oldest first."""
    return [entry.decision for entry in context.ledger.history(name_of(text))]


def push_tags(registry: FakeRegistry, repository: str, count: int, seed: bytes) -> list[str]:
    """Push so many tags to a repository; returns each as `repository:tag`."""
    tags = [f"v{number:03}" for number in range(count)]
    for tag in tags:
        registry.put_manifest(repository, tag, seed)
    return [f"{repository}:{tag}" for tag in tags]


def announce(context: Context, text: str, pushed: Digest | None = None, **fields: Any) -> None:
    """The registry says that somebody pushed `repository:tag`, digest 1 unless another is given; it is judged."""
    name = name_of(text)
    event_id = secrets.token_hex(8)
    context.log.append([push(event_id, pushed or digest(1), repository=name.repository, tag=name.tag, **fields)])
    drain(context)


def run_baseline(
    context: Context, repositories: Sequence[str] | None = None, *, seconds: float = float("inf"), **options: Any
) -> Baseline:
    """A baseline of these repositories, or of all; its progress has the name `test`."""
    with scan_of(context, MAIN) as scan:
        whole = Baseline(context, scan, _chosen(scan, repositories), "test", **options)
        for _ in whole.run(seconds):
            pass
    return whole


def run_sweep(context: Context, so_far: SoFar | None = None, *, seconds: float = float("inf"), **options: Any) -> Sweep:
    """A sweep of all repositories."""
    with scan_of(context, MAIN) as scan:
        whole = Sweep(context, scan, _chosen(scan, None), so_far or SoFar(), **options)
        for _ in whole.run(seconds):
            pass
    return whole


def _chosen(scan: Scan, repositories: Sequence[str] | None) -> list[Repository]:
    return [Repository(each) for each in repositories] if repositories is not None else scan.repositories()[0]
