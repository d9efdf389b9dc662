"""A child process of the demonstration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from enforcer.processes import die_with_parent

_GRACE_SECONDS = 30
"""From being asked to end to being killed; `enforcer up` ends its own processes in that time."""

_OWN = ("ENFORCER_", "REGISTRY_")
"""Variables that would change the configuration of a part."""


class Child:
    """A process that leads a session of its own, so that Ctrl-C does not reach it, and ends when we do.

    What it writes to standard error goes to `log`. `remove` is called if it had to be killed.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, *, remove: Callable[[], None] = lambda: None
    ) -> None:
        self.name = name
        self._log = log
        self._remove = remove
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours
                [sys.executable, "-IS", die_with_parent.__file__, str(os.getpid()), *command],
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def stop(self) -> None:
        """Ask it to end and wait until it has; kill it and what it started if it takes too long."""
        self._process.terminate()
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._remove()

    def last_lines(self, count: int) -> list[str]:
        """The end of what it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]


def _environment() -> dict[str, str]:
    """Ours, without what would change a part's configuration, and without a proxy between the parts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    return kept | {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
