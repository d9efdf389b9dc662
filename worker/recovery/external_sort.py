"""External sort: more events than fit into memory, by way of files that vanish with the process, however it ends."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Self

from enforcer.events import Event

CHUNK = 10_000
"""Events that are sorted in memory at a time."""

FAN_IN = 32
"""Files that are merged at a time: fewer than a process may have open."""


class ExternalSort:
    """Takes any number of events, then gives them back: those of a repository together, in the order of arrival.

    Repositories have nothing to do with each other, and a judge has to know only one at a time. An event whose arrival
    nobody kept counts as in time. Close it by `with`.
    `chunk` events are sorted in memory, `fan_in` files merged at a time; `directory` is that of the temporary files.
    """

    def __init__(self, *, chunk: int = CHUNK, fan_in: int = FAN_IN, directory: Path | None = None) -> None:
        self.count = 0
        self._chunk = chunk
        self._fan_in = fan_in
        self._directory = directory
        self._waiting: list[Event] = []
        # Those of one level are of about the same length: each event is written once a level.
        self._levels: dict[int, list[IO[str]]] = defaultdict(list)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, event: Event) -> None:
        """Take one more event."""
        self.count += 1
        self._waiting.append(event)
        if len(self._waiting) >= self._chunk:
            self._spill()

    def sorted(self) -> Iterator[Event]:
        """All of them."""
        self._spill()
        return _merged([file for files in self._levels.values() for file in files])

    def _spill(self) -> None:
        self._waiting.sort(key=_order)
        self._levels[0].append(self._written(self._waiting))
        self._waiting.clear()
        level = 0
        while len(files := self._levels[level]) >= self._fan_in:
            self._levels[level + 1].append(self._written(_merged(files)))
            for file in files:
                file.close()
            files.clear()
            level += 1

    def _written(self, events: Iterable[Event]) -> IO[str]:
        # Unnamed: nothing is left behind, whatever ends the process.
        file = TemporaryFile("w+", encoding="utf-8", prefix="tag-enforcer-", dir=self._directory)  # noqa: SIM115
        self._stack.enter_context(file)
        file.writelines(event.to_json() + "\n" for event in events)
        return file


def _merged(files: Iterable[IO[str]]) -> Iterator[Event]:
    streams = []
    for file in files:
        file.seek(0)
        streams.append(map(Event.from_json, file))
    return heapq.merge(*streams, key=_order)


def _order(event: Event) -> tuple[str, ...]:
    return (event.registry, event.repository, event.arrived or event.when, *event.order)
