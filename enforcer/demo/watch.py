"""Waiting: for conditions, with a deadline, and only as long as all processes live and no signal asks to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from redis import RedisError
from requests import RequestException

from enforcer.demo.program import Program
from enforcer.errors import EnforcerError

_POLL_SECONDS = 0.01

Found = TypeVar("Found")


class DemoFailed(EnforcerError):
    """The demonstration did not show what it should."""


class Interrupted(EnforcerError):
    """Ctrl-C, or another signal that asks to end."""


class Watch:
    """Waits on behalf of the demonstration.

    A signal is only noted, and raises `Interrupted` at the next wait: so none can fall between the start of a process
    and the moment from which it is ended with us.
    """

    def __init__(self) -> None:
        self.programs: list[Program] = []
        self.signal: int | None = None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note signals for the length of the context. Main thread only."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = {number: signal.signal(number, self._note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def until(self, what: str, condition: Callable[[], Found | None], *, seconds: float = 20) -> Found:
        """The first thing that the condition gives; no answer of a server is nothing yet.

        Raises `DemoFailed` after so many seconds or when a process ends, and `Interrupted`.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = condition()
            except (RequestException, RedisError):
                found = None
            self.check()
            if found:
                return found
            if time.monotonic() > deadline:
                raise DemoFailed(f"{what}: not within {seconds:g} seconds")
            time.sleep(_POLL_SECONDS)

    def check(self) -> None:
        """Raise what ends the demonstration, if anything does."""
        if self.signal is not None:
            raise Interrupted(signal.Signals(self.signal).name)
        for program in self.programs:
            if program.status is not None:
                raise DemoFailed(f"{program.name} has ended, with status {program.status}")

    def _note(self, number: int, _frame: object) -> None:
        self.signal = self.signal or number
