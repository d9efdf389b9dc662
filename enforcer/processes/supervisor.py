"""Runs the parts of an installation, each a child process, and starts again what ends, until it is told to stop.

Every part leads a session of its own, so the terminal's Ctrl-C reaches only the supervisor, which stops the parts in
order. What a part leaves behind in its process group is killed before it is started again.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from enforcer.processes.child import Child

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.05
_FIRST_DELAY_SECONDS = 0.2
_LONGEST_DELAY_SECONDS = 30.0
_STEADY_SECONDS = 60.0
_READY_SECONDS = 10.0


@dataclass(frozen=True)
class Part:
    """One child process; `environment` is added to ours.

    Parts after one with `ready` are first started when that returns true, or after 10 seconds.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None


def next_delay(last: float, ran: float) -> float:
    """Seconds to wait before a part that ran so many seconds is started again; `last` is the wait before, or 0."""
    if last == 0 or ran >= _STEADY_SECONDS:
        return _FIRST_DELAY_SECONDS
    return min(last * 2, _LONGEST_DELAY_SECONDS)


class Supervisor:
    """Runs parts until SIGINT, SIGTERM or SIGHUP; `tick` is called about every `tick_seconds` in between.

    Stops the last part first. Each has `grace` seconds from its SIGTERM to its end, then its process group is killed;
    a SIGINT while stopping kills what is left at once.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        *,
        tick: Callable[[], object] | None = None,
        tick_seconds: float = 0.25,
        grace: float = 20.0,
    ) -> None:
        self._running = [_Running(part) for part in parts]
        self._tick = tick
        self._tick_seconds = tick_seconds
        self._tick_due = 0.0
        self._grace = grace
        self._stopping = False
        self._killing = False

    def run(self) -> int:
        """Run until told to stop; 0 when every part ended in order, 1 when one had to be killed. Main thread only."""
        with self._listening():
            try:
                while not self._stopping:
                    self._start_due()
                    self._call_tick()
                    time.sleep(_POLL_SECONDS)
            finally:
                self._stopping = True
                killed = [running for running in reversed(self._running) if not self._stop(running)]
        return 1 if killed else 0

    def _start_due(self) -> None:
        for running in self._running:
            running.reap()
            if not running.alive and time.monotonic() >= running.due:
                running.start()
            if not running.settled():
                return

    def _call_tick(self) -> None:
        if self._tick is None or self._stopping or time.monotonic() < self._tick_due:
            return
        self._tick_due = time.monotonic() + self._tick_seconds
        try:
            self._tick()
        except Exception:  # whatever it is, the parts must go on
            logger.exception("the supervisor's tick failed")

    def _stop(self, running: _Running) -> bool:
        running.ask_to_end()
        deadline = time.monotonic() + self._grace
        while running.alive and not self._killing and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        return running.end()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        signals = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signals.append(signal.SIGHUP)
        before = {number: signal.signal(number, self._heed) for number in signals}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heed(self, number: int, _frame: object) -> None:
        self._killing = self._killing or (self._stopping and number == signal.SIGINT)
        self._stopping = True


class _Running:
    """A part, and the process that it is at the moment."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.due = 0.0
        self._process: Child | None = None
        self._delay = 0.0
        self._started = 0.0
        self._first_started: float | None = None
        self._settled = part.ready is None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.status is None

    def start(self) -> None:
        self._started = time.monotonic()
        if self._first_started is None:
            self._first_started = self._started
        try:
            self._process = Child(self.part.command, {**os.environ, **self.part.environment})
        except OSError as error:
            self._put_off(f"could not be started ({error})")
        else:
            logger.info("started %s (process %d)", self.part.name, self._process.pid)

    def reap(self) -> None:
        status = self._process.status if self._process else None
        if self._process is None or status is None:
            return
        self._process.kill()
        self._process = None
        self._put_off(f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}")

    def settled(self) -> bool:
        """True when the parts after this one may be started."""
        if self._settled or self._first_started is None or self.part.ready is None:
            return self._settled
        if self.alive and self._says_ready(self.part.ready):
            self._settled = True
            logger.info("%s is ready", self.part.name)
        elif time.monotonic() - self._first_started > _READY_SECONDS:
            self._settled = True
            logger.warning("%s is not ready after %d s: going on without", self.part.name, _READY_SECONDS)
        return self._settled

    def ask_to_end(self) -> None:
        if self._process is not None and self.alive:
            logger.info("stopping %s", self.part.name)
            self._process.ask_to_end()

    def end(self) -> bool:
        """Kill what is left; false if the process itself was."""
        if self._process is None:
            return True
        in_order = not self.alive
        if not in_order:
            logger.warning("%s did not end: killing it", self.part.name)
        self._process.kill()
        self._process = None
        return in_order

    def _says_ready(self, ready: Callable[[], bool]) -> bool:
        try:
            return ready()
        except Exception:  # not answering yet has many forms
            logger.debug("cannot find out whether %s is ready", self.part.name, exc_info=True)
            return False

    def _put_off(self, what: str) -> None:
        now = time.monotonic()
        self._delay = next_delay(self._delay, now - self._started)
        self.due = now + self._delay
        logger.warning("%s %s: starting again in %.1f s", self.part.name, what, self._delay)
