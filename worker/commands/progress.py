"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere; both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
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

PLAIN_SECONDS = 10
"""Between two lines where there is no terminal."""


class Meter(Protocol):
    """Shows how far something is."""

    def advance(self, by: int) -> None:
        """It came on by so much."""

    def expect(self, total: float | None) -> None:
        """So much it will be in all, as far as is known by now."""


@contextmanager
def progress(what: str, unit: str, total: float | None = None) -> Iterator[Meter]:
    """Show how far something is, in that unit."""
    if not sys.stderr.isatty():
        yield _Lines(what, unit, total)
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
        yield _Bar(bar, what, total)


class _Bar:
    def __init__(self, bar: Progress, what: str, total: float | None) -> None:
        self._bar = bar
        self._task = bar.add_task(what, total=total)

    def advance(self, by: int) -> None:
        self._bar.advance(self._task, by)

    def expect(self, total: float | None) -> None:
        self._bar.update(self._task, total=total)


class _CountColumn(ProgressColumn):
    """How many of how many, and how many a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(_count(task.completed, task.total, self._unit, task.finished_speed or task.speed))


class _Lines:
    def __init__(self, what: str, unit: str, total: float | None) -> None:
        self._what, self._unit, self._total = what, unit, total
        self._done = 0
        self._began = self._told = time.monotonic()

    def expect(self, total: float | None) -> None:
        self._total = total

    def advance(self, by: int) -> None:
        self._done += by
        now = time.monotonic()
        if now - self._told >= PLAIN_SECONDS:
            self._told = now
            rate = self._done / (now - self._began)
            left = f", about {(self._total - self._done) / rate:,.0f} s left" if self._total and rate else ""
            click.echo(f"{self._what}: {_count(self._done, self._total, self._unit, rate)}{left}", err=True)


def _count(done: float, total: float | None, unit: str, rate: float | None) -> str:
    of = f" of {total:,.0f}" if total else ""
    return f"{done:,.0f}{of} {unit}" + (f", {rate:,.0f}/s" if rate else "")
