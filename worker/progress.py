"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere; both on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
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

Advance = Callable[[int], None]


@contextmanager
def progress(what: str, unit: str, total: float | None = None) -> Iterator[Advance]:
    """Show how far something is; the function that is given takes by how much it came on."""
    if sys.stderr.isatty():
        with _bar(unit) as bar:
            task = bar.add_task(what, total=total)
            yield lambda by: bar.advance(task, by)
    else:
        yield _Lines(what, unit, total).advance


def _bar(unit: str) -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))


class _RateColumn(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class _Lines:
    def __init__(self, what: str, unit: str, total: float | None) -> None:
        self._what, self._unit, self._total = what, unit, total
        self._done = 0
        self._began = self._told = time.monotonic()

    def advance(self, by: int) -> None:
        self._done += by
        now = time.monotonic()
        if now - self._told >= PLAIN_SECONDS:
            self._told = now
            of = f" of {self._total:,.0f}" if self._total else ""
            rate = self._done / (now - self._began)
            click.echo(f"{self._what}: {self._done:,}{of} {self._unit}, {rate:,.0f}/s", err=True)
