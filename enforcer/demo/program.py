"""A program of the demonstration, whose log is shown if something fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from enforcer.processes.child import Child

_GRACE_SECONDS = 30
"""From being asked to end to being killed; `enforcer up` ends its own processes in that time."""

_OWN = ("ENFORCER_", "REGISTRY_")
"""Variables that would change the configuration of a part."""


class Program:
    """A running program. Its standard error goes to `log`; `remove` is called if it had to be killed."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        remove: Callable[[], None] = lambda: None,
        grace: float = _GRACE_SECONDS,
    ) -> None:
        self.name = name
        self._log = log
        self._remove = remove
        self._grace = grace
        with log.open("ab") as errors:
            self.child = Child(command, _environment(), errors=errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self.child.status

    def stop(self) -> None:
        """Ask it to end and wait until it has; kill it and what it started if it takes too long."""
        self.child.ask_to_end()
        if not self.child.ends_within(self._grace):
            self.child.kill()
            self._remove()

    def last_lines(self, count: int) -> list[str]:
        """The end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]


def _environment() -> dict[str, str]:
    """Ours, without what would change a part's configuration, and without a proxy between the parts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    return kept | {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}
