"""A child process that ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO

from enforcer.processes import die_with_parent


class Child:
    """A process that leads a session of its own, so that Ctrl-C does not reach it, and that ends when we do.

    With `errors` its standard error goes there, and its standard output nowhere; without, both are ours.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], *, errors: IO[bytes] | None = None
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the command is the caller's
            [sys.executable, "-IS", die_with_parent.__file__, str(os.getpid()), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if errors else None,
            stderr=errors,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process id, which is that of its session and process group, too."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status, negative for the signal that ended it; None while it runs."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        """Send it SIGTERM."""
        self._process.terminate()

    def ends_within(self, seconds: float) -> bool:
        """Wait for its end, so long at most."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Kill what is left of its process group, itself included."""
        with suppress(ProcessLookupError, PermissionError):  # the group is empty; macOS says so with the second
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
