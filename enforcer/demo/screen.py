"""The output of the demonstration: in colours on a terminal, in plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_LABEL_WIDTH = 11
_INDENT = 23


class Screen:
    """Steps with their time since the beginning, in seconds."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False)
        self._began = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def say(self, text: str, style: str = "") -> None:
        """A line of its own."""
        self._console.print(Text(text, style), soft_wrap=True)

    def step(self, label: str, text: str, *, style: str = "cyan", at: float | None = None) -> None:
        """Something that happened, at `at` or just now."""
        moment = f"{self.elapsed if at is None else at:6.2f} s"
        if not self._console.is_terminal:
            self.say(f"{moment}  {label:{_LABEL_WIDTH}}  {text}")
            return
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(no_wrap=True, style="dim")
        line.add_column(no_wrap=True, min_width=_LABEL_WIDTH)
        line.add_column(overflow="fold")
        line.add_row(moment, Text(label, f"bold {style}"), Text(text))
        self._console.print(line)

    def aside(self, text: str) -> None:
        """More about the last step."""
        if self._console.is_terminal:
            self._console.print(Padding(Text(text, "dim"), (0, 0, 0, _INDENT)))
        else:
            self.say(" " * _INDENT + text)

    def lines(self, heading: str, lines: Sequence[str]) -> None:
        """Lines of another program."""
        self.say(heading, "bold")
        for line in lines:
            self.say(f"  {line}", "dim")

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Show on a terminal that something takes a while."""
        with self._console.status(Text(text, "dim")):
            yield
