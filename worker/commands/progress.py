"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere; both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

LINE_INTERVAL = 10
"""Seconds between two lines where there is no terminal."""


class Meter(Protocol):
    """Shows how far a piece of work is."""

    def advance(self, by: int) -> None:
        """Add so much to the work that is done."""

    def expect(self, total: float | None) -> None:
        """Set the expected total; None while it is not known."""


@contextmanager
def progress(
    work: str, unit: str, total: float | None = None, *, monotonic: Callable[[], float] = time.monotonic
) -> Iterator[Meter]:
    """Show how far a piece of work is, in that unit."""
    if not sys.stderr.isatty():
        yield _Lines(work, unit, total, monotonic)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        _CountColumn(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        yield _Bar(bar, work, total)


class _Bar:
    def __init__(self, bar: Progress, work: str, total: float | None) -> None:
        self._bar = bar
        self._task = bar.add_task(work, total=total)

    def advance(self, by: int) -> None:
        self._bar.advance(self._task, by)

    def expect(self, total: float | None) -> None:
        self._bar.update(self._task, total=total)


class _CountColumn(ProgressColumn):
    """The count, the total and the rate."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(_count(task.completed, task.total, self._unit, task.finished_speed or task.speed))


class _Lines:
    def __init__(self, work: str, unit: str, total: float | None, monotonic: Callable[[], float]) -> None:
        self._work, self._unit, self._total = work, unit, total
        self._monotonic = monotonic
        self._done = 0
        self._began = self._printed = monotonic()

    def expect(self, total: float | None) -> None:
        self._total = total

    def advance(self, by: int) -> None:
        self._done += by
        now = self._monotonic()
        if now - self._printed >= LINE_INTERVAL:
            self._printed = now
            rate = self._done / (now - self._began)
            left = f", about {(self._total - self._done) / rate:,.0f} s left" if self._total and rate else ""
            click.echo(f"{self._work}: {_count(self._done, self._total, self._unit, rate)}{left}", err=True)


def _count(done: float, total: float | None, unit: str, rate: float | None) -> str:
    of = f" of {total:,.0f}" if total else ""
    return f"{done:,.0f}{of} {unit}" + (f", {rate:,.0f}/s" if rate else "")
