"""Baselines and sweeps of the registry `main`, at full speed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from enforcer.judgement.record import Decision, Record
from enforcer.names import Digest, Repository, Tag, TagName
from enforcer.store.audit import Audit
from enforcer.times import Time
from tests.fakes.clock import RedisClock
from tests.fakes.events import MAIN, digest, push
from tests.fakes.registry import FakeRegistry
from worker.context import Context, Timing
from worker.judging.drain import drain
from worker.scanning.baseline import Baseline
from worker.scanning.checkpoint import Checkpoint, CommandCheckpoint
from worker.scanning.observation_judge import ObservationJudge
from worker.scanning.scan import Scan, scan_of
from worker.scanning.sweep import sweep_walk
from worker.scanning.walk import Walk

FAST = 10_000
"""A `sweep_rate` that bounds nothing."""

HASTY = Timing(second_look=0.01, longest_pause=0.01, lock_wait=0.1)
"""Hardly any time passes before a walk looks a second time, asks again, or gives up waiting for its turn."""

STILL = replace(HASTY, monotonic=lambda: 0)
"""As if a walk took no time: its batches are full, however slow the machine is."""

OVER = -1
"""Seconds after which a walk stops as soon as it has looked at a batch, also where time stands still."""


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
    """The registry says that somebody pushed `repository:tag`, digest 1 unless another is given; it is judged.

    With a `time` that is past it says so at that time.
    """
    name = name_of(text)
    event = push(secrets.token_hex(8), pushed or digest(1), repository=name.repository, tag=name.tag, **fields)
    clock: RedisClock | None = getattr(context.redis, "clock", None)
    is_past = clock is not None and "time" in fields and event.time < clock.read()
    with clock.standing_at(event.time) if clock and is_past else nullcontext():
        context.log.append([event])
    drain(context)


def command_walk(
    context: Context,
    scan: Scan,
    repositories: Sequence[str] | None = None,
    *,
    forced_by: str = "",
) -> Walk:
    """A baseline of these repositories, or of all, on from where the last one was stopped."""
    chosen = _chosen(scan, repositories)
    checkpoint = kept(context).read(chosen, Time.now())
    judge, audit = ObservationJudge.of(context, scan, "baseline"), Audit(context.redis)
    visitor = Baseline(checkpoint.report, judge, audit, forced_by=forced_by)
    return Walk(scan, chosen, checkpoint, visitor)


def kept(context: Context) -> CommandCheckpoint:
    """The checkpoint of these baselines."""
    return CommandCheckpoint(context.redis, "test")


def run_baseline(
    context: Context, repositories: Sequence[str] | None = None, *, seconds: float = float("inf"), **options: Any
) -> Walk:
    """A baseline of these repositories, or of all, as the command does it."""
    with scan_of(context, MAIN) as scan:
        walk = command_walk(context, scan, repositories, **options)
        for _ in walk.run(seconds):
            kept(context).keep(walk.settled)
        kept(context).keep(walk.settled)
    if walk.finished:
        kept(context).forget()
    return walk


def run_sweep(
    context: Context, checkpoint: Checkpoint | None = None, *, seconds: float = float("inf"), **options: Any
) -> Walk:
    """A sweep of all repositories."""
    with scan_of(context, MAIN) as scan:
        walk = whole_sweep(context, scan, checkpoint, **options)
        for _ in walk.run(seconds):
            pass
    return walk


def whole_sweep(context: Context, scan: Scan, checkpoint: Checkpoint | None = None, **options: Any) -> Walk:
    """A sweep of all repositories that has not begun."""
    return sweep_walk(context, scan, _chosen(scan, None), checkpoint or Checkpoint(Time.now()), lambda: None, **options)


def _chosen(scan: Scan, repositories: Sequence[str] | None) -> list[Repository]:
    return [Repository(each) for each in repositories] if repositories is not None else scan.repositories()[0]
