"""The violations that a replay found: more than fit into memory, in their order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from enforcer.judgement.violation import Violation


class FoundViolations:
    """Violations in a temporary file that vanishes with the process."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.execute("CREATE TABLE violations (id TEXT PRIMARY KEY, time TEXT, violation TEXT)")

    def close(self) -> None:
        """Forget all of them."""
        self._database.close()

    def add(self, violation: Violation) -> None:
        """Add a violation, or replace the one that was found before under its id."""
        values = (violation.id, violation.time, json.dumps(violation.as_dict()))
        self._database.execute("REPLACE INTO violations VALUES (?, ?, ?)", values)

    def withdraw(self, violation_id: str) -> None:
        """Remove what turned out to be no violation."""
        self._database.execute("DELETE FROM violations WHERE id = ?", (violation_id,))

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM violations").fetchone()[0])

    def __iter__(self) -> Iterator[Violation]:
        """All of them, by time."""
        for (text,) in self._database.execute("SELECT violation FROM violations ORDER BY time, id"):
            yield Violation.from_dict(json.loads(text))
